"""What the README promises is what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from model.config import PRESETS
from model.instrument import Instrument
from server.controls.lists import markdown_table

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_the_table_of_controls_is_the_one_of_the_code() -> None:
    begin, end = "<!-- controls: made by server.controls.lists.markdown_table -->", "<!-- end of"
    shown = README.split(begin)[1].split(end)[0].strip()
    assert shown == markdown_table().strip()


def test_ci_runs_the_test_command_that_is_shown() -> None:
    command = "uv run --extra train --group dev pytest"
    assert f"    {command}\n" in README
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == command


@pytest.mark.parametrize("name", PRESETS)
def test_the_table_of_presets_is_the_one_of_the_code(name: str) -> None:
    config = PRESETS[name]
    row = next(line for line in README.splitlines() if line.startswith(f"| `{name}` |"))
    millions = sum(p.numel() for p in Instrument(config).parameters()) / 1e6
    rate_khz = config.features.sample_rate_hz / 1000
    assert f"| {rate_khz:g} kHz | {millions:.1f} M | style {config.encoder.style_dims}" in row
    if config.has_structure:
        assert row.endswith(f"structure {config.encoder.structure_channels} x {config.bands} |")


def test_folders_it_names_are_there() -> None:
    for folder in re.findall(r"`(\w+)/`", README.split("## Folders")[1]):
        assert (ROOT / folder).is_dir(), folder
