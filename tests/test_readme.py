"""The README keeps its promises: the test command, the length, and the pages it points to."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
MAX_LINES = 150
"""What somebody in a hurry reads."""


def test_ci_runs_the_test_command_that_is_shown() -> None:
    command = "uv run --extra train --group dev pytest"
    assert f"    {command}\n" in README
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == command


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= MAX_LINES


def test_it_shows_two_commands_that_make_sound_before_anything_else() -> None:
    first_screen = "\n".join(README.splitlines()[:45])
    assert first_screen.count("    uv run python -m server") >= 2


def test_it_points_to_every_page() -> None:
    for page in (ROOT / "docs").glob("*.md"):
        if page.name != "README.md":
            assert f"(docs/{page.name}" in README, page.name
