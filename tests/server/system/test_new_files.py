"""Names of files given by clients."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.system.new_files import free_name, is_safe_name


@pytest.mark.parametrize("name", ["take", "take 3.wav", "a-b_c.jsonl", "9", "x" * 80])
def test_plain_names_are_harmless(name: str) -> None:
    assert is_safe_name(name)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "/etc/passwd", "a/b", "a\\b", ".hidden", " x", "x\0", "x\n", "ü"],
)
def test_names_that_leave_the_folder_or_are_hidden_are_harmful(name: str) -> None:
    assert not is_safe_name(name)
    assert not is_safe_name("x" * 81)


def test_a_taken_name_gets_the_next_free_number(tmp_path: Path) -> None:
    path = tmp_path / "take.jsonl"
    assert free_name(path) == path
    for name in ("take.jsonl", "take-2.jsonl"):
        (tmp_path / name).touch()
    assert free_name(path) == tmp_path / "take-3.jsonl"
