"""The documentation is true: links work, and commands, addresses and tables match the code."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import re
import shlex
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

from model.config import PRESETS
from model.instrument import Instrument
from server.command_line.settings import parse_args
from server.controls import replies
from server.controls.control import ControlTable
from server.controls.lists import markdown_table
from server.controls.table import controls_of
from server.models.default import open_bundle
from server.osc.mapping import events_of_message
from server.osc.packet import OscMessage
from server.osc.pattern import is_pattern
from tests.test_package import CONSOLE_SCRIPT

ROOT = Path(__file__).parent.parent
DOCS = tuple(sorted((ROOT / "docs").glob("*.md")))
PAGES = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *DOCS,
    ROOT / "training" / "EXPERIMENTS.md",
    ROOT / "max_patches" / "README.md",
)
NAMES = {page: str(page.relative_to(ROOT)) for page in PAGES}
COMMAND = re.compile(r"^ {4}((?:uv run|latent-deck|oscsend|python -m) .*)$", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)")
CODE = re.compile(r"^```.*?^```$|^ {4}.*$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
LONG_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
FAMILY = re.compile(r"\{[a-z0-9.,]+\}")
MODULES = (
    "server.program",
    *(f"training.{name}.__main__" for name in ("prepare", "render", "fit", "evaluate")),
    "export.__main__",
)
OF_OTHER_PROGRAMS = {"--extra", "--group", "--logdir"}
"""Options of uv, pytest and TensorBoard that appear in the pages."""


def commands() -> Iterator[tuple[str, Sequence[str]]]:
    """Every command line that a page shows, with the page's name."""
    for page in PAGES:
        for line in COMMAND.findall(page.read_text()):
            yield NAMES[page], shlex.split(line, comments=True)


COMMANDS = tuple(commands())


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of ``page``."""
    found: set[str] = set()
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for heading in re.findall(r"^#+ +(.*)$", text, re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        numbered = (slug, *(f"{slug}-{n}" for n in range(1, 100)))
        found.add(next(one for one in numbered if one not in found))
    return found


@pytest.mark.parametrize("page", PAGES, ids=NAMES.get)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for target in LINK.findall(CODE.sub("", page.read_text())):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{NAMES[page]} links to {target}"
        assert linked.is_relative_to(ROOT), f"{NAMES[page]} links to {target}"
        assert not anchor or anchor in anchors(linked), f"{NAMES[page]} links to {target}"


def test_the_index_links_to_every_page() -> None:
    linked = set(LINK.findall((ROOT / "docs" / "README.md").read_text()))
    assert {page.name for page in DOCS} - {"README.md"} <= linked


def test_the_main_pages_show_commands() -> None:
    pages = {page for page, _ in COMMANDS}
    assert {"README.md", "docs/training.md", "docs/sound-cards.md", "docs/osc.md"} <= pages


@cache
def help_of(module: str) -> str:
    """The ``--help`` of a command line."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), pytest.raises(SystemExit) as ended:
        importlib.import_module(module).main(["--help"])
    assert not ended.value.code
    return printed.getvalue()


def module_and_arguments(words: Sequence[str]) -> tuple[str, Sequence[str]] | None:
    """The module that a command line runs, with its arguments; None for other programs."""
    if words[0] == CONSOLE_SCRIPT:
        return "server", words[1:]
    if "-m" in words and "python" in words:
        module = words[words.index("-m") + 1]
        return module, words[words.index("-m") + 2 :]
    return None


@pytest.mark.parametrize(
    ("page", "words"), COMMANDS, ids=[f"{page}: {' '.join(words)[:50]}" for page, words in COMMANDS]
)
def test_each_shown_command_is_accepted_by_the_program(page: str, words: Sequence[str]) -> None:
    if words[0] == "oscsend":
        address, types, *values = words[2:]
        arguments = tuple(_typed(*pair) for pair in zip(types, values, strict=True))
        assert events_of_message(bundle_table(), OscMessage(address, arguments))
        return
    if (found := module_and_arguments(words)) is None:
        return
    module, arguments = found
    if module == "server":
        if not {"--help", "--version"} & {*arguments}:
            parse_args(arguments)
        return
    run = next(one for one in MODULES if one == f"{module}.__main__")
    for word in (word for word in arguments if word.startswith("-")):
        assert re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", help_of(run)), (page, word)


def _typed(tag: str, value: str) -> float | int | str:
    return {"f": float, "i": int, "s": str}[tag](value)


@cache
def bundle_table() -> ControlTable:
    """The controls of the built-in bundle."""
    return controls_of(open_bundle(None))


@pytest.mark.parametrize("page", [PAGES[0], *DOCS], ids=NAMES.get)
def test_options_that_a_page_names_exist(page: Path) -> None:
    known = {option for module in MODULES for option in LONG_OPTION.findall(help_of(module))}
    named = set(LONG_OPTION.findall("\n".join(CODE.findall(page.read_text()))))
    assert named <= known | OF_OTHER_PROGRAMS


@pytest.mark.parametrize("page", [PAGES[0], *DOCS], ids=NAMES.get)
def test_addresses_that_a_page_names_exist(page: Path) -> None:
    table = bundle_table()
    known = {*table.controls, *replies.ANSWERS, *(row.address for row in table.rows)}
    code = re.findall(r"`(/[^` ]+)[^`]*`", page.read_text())
    folded = {re.sub(FAMILY, "{}", address) for address in code}
    assert {one for one in folded if not is_pattern(one)} <= known | {"/named/{}"}


def test_score_lines_in_the_pages_are_valid_messages() -> None:
    pages = "\n".join(page.read_text() for page in DOCS)
    lines = re.findall(r'^ {4}(\{"t":.*\})$', pages, re.MULTILINE)
    assert lines
    for line in map(json.loads, lines):
        assert events_of_message(bundle_table(), OscMessage(line["address"], tuple(line["args"])))


def test_the_table_of_controls_matches_the_code() -> None:
    begin, end = "<!-- controls: made by server.controls.lists.markdown_table -->", "<!-- end of"
    shown = (ROOT / "docs" / "controls.md").read_text().split(begin)[1].split(end)[0].strip()
    assert shown == markdown_table().strip()


@pytest.mark.parametrize("name", PRESETS)
def test_the_table_of_presets_matches_the_code(name: str) -> None:
    config = PRESETS[name]
    page = (ROOT / "docs" / "training.md").read_text()
    row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
    millions = sum(p.numel() for p in Instrument(config).parameters()) / 1e6
    rate_khz = config.features.sample_rate_hz / 1000
    assert f"| {rate_khz:g} kHz | {millions:.1f} M | style {config.encoder.style_dims}" in row
    if config.has_structure:
        assert row.endswith(f"structure {config.encoder.structure_channels} x {config.bands} |")


def test_folders_named_in_the_architecture_page_exist() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    folders = re.findall(r"^\| `(\w+)/`", page, re.MULTILINE)
    assert {"model", "training", "export", "server", "tests"} <= {*folders}
    for folder in folders:
        assert (ROOT / folder).is_dir(), folder


def test_the_architecture_page_names_all_packages_of_the_server() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text().split("The rooms of `server/`")[1]
    rows = re.findall(r"^\| (`.*?) \|", page.split("\n## ")[0], re.MULTILINE)
    named = {room for row in rows for room in re.findall(r"`(\w+)`", row)}
    assert named == {path.parent.name for path in (ROOT / "server").glob("*/__init__.py")}
