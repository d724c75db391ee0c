"""Skipped files are named on standard error and counted by reason."""

from __future__ import annotations

import pytest

from training.support.skipped import Skipped


def test_each_is_named_and_all_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    skipped = Skipped()
    assert str(skipped) == "skipped 0"
    for reason, name in (("missing", "a"), ("corrupt", "b"), ("missing", "c")):
        skipped.add(reason, f"skipped {name}")
    assert str(skipped) == "skipped 3 (1 corrupt, 2 missing)"
    assert capsys.readouterr().err.splitlines() == ["skipped a", "skipped b", "skipped c"]
