"""The README: its test command, its length, and its links to the pages."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
MAX_LINES = 150
"""As much as somebody in a hurry reads."""


def test_ci_runs_the_test_command_of_the_readme() -> None:
    command = "uv run --extra train --group dev pytest"
    assert f"    {command}\n" in README
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == command


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= MAX_LINES


def test_the_readme_begins_with_two_commands_that_make_sound() -> None:
    first_screen = "\n".join(README.splitlines()[:45])
    assert first_screen.count("    uv run python -m server") >= 2


def test_the_readme_links_to_every_page() -> None:
    for page in (ROOT / "docs").glob("*.md"):
        if page.name != "README.md":
            assert f"(docs/{page.name}" in README, page.name
