"""The log of a run: running means, the first step that went wrong, waiting for data."""

from __future__ import annotations

import logging
import math
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from training.support import run_log as progress
from training.support.run_log import DataWait, NotFiniteError, RunLog


def test_means_go_on_where_the_last_session_was(tmp_path: Path) -> None:
    values = [torch.rand(()) for _ in range(6)]
    whole = RunLog(tmp_path / "whole", "part")
    for step, value in enumerate(values, start=1):
        whole.terms({"total": value}, step)
    first = RunLog(tmp_path / "cut", "part")
    for step, value in enumerate(values[:3], start=1):
        first.terms({"total": value}, step)
    second = RunLog(tmp_path / "cut", "part", 3, first.fetch())
    for step, value in enumerate(values[3:], start=4):
        second.terms({"total": value}, step)
    assert second.fetch() == whole.fetch()


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("name", ["total", "gradient"])
def test_a_step_that_went_wrong_is_named_even_if_the_next_is_well(
    tmp_path: Path, name: str, value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = RunLog(tmp_path, "part")
    honest = log.fetch
    monkeypatch.setattr(log, "fetch", lambda: log.smooth)  # as on a GPU: not at every step
    terms = {"total": torch.tensor(1.0), "gradient": torch.tensor(2.0)}
    for step in range(1, 9):
        wrong = {name: torch.tensor(value)} if step == 5 else {}
        log.terms(terms | wrong, step)
    with pytest.raises(NotFiniteError, match=r"at step 5; .*--resume"):
        honest()


def test_the_time_that_data_takes_is_told_from_the_time_that_training_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)

    def batches() -> Iterator[int]:
        nonlocal now
        for number in range(4):
            now += 50 if number == 0 else 1  # workers start before the first
            yield number

    waiting = DataWait()
    assert waiting.share() == 0
    for _ in waiting.watch(batches()):
        now += 9
    assert waiting.share() == pytest.approx(3 / 39)


def shown(run: Path) -> EventAccumulator:
    """The scalars that TensorBoard reads from a run."""
    there = EventAccumulator(str(run / "tensorboard" / "part"))
    there.Reload()
    return there


def test_tensorboard_shows_figures_and_pictures_and_hides_steps_that_were_lost(
    tmp_path: Path,
) -> None:
    for first, value in ((0, 1.0), (2, 2.0)):
        log = RunLog(tmp_path, "part", first)
        for step in range(first + 1, first + 5):
            log.scalar("part/total", value * step, step)
    log.picture("heldout/0", [torch.zeros(4, 6), torch.ones(4, 6)], 6)
    there = shown(tmp_path)
    found = [(one.step, one.value) for one in there.Scalars("part/total")]
    assert found == [(1, 1.0), (2, 2.0), (3, 6.0), (4, 8.0), (5, 10.0), (6, 12.0)]
    (picture,) = there.Images("heldout/0")
    assert (picture.step, picture.width, picture.height) == (6, 6, 8)


def test_a_log_that_cannot_be_written_is_said_once_and_no_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    log = RunLog(tmp_path, "part")
    log.scalar("part/total", 1.0, 1)
    (path,) = (tmp_path / "tensorboard" / "part").iterdir()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10, before[1]))
    try:
        for step in range(2, 40):
            log.terms({"total": torch.tensor(2.0)}, step)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    log.scalar("part/total", 3.0, 40)
    (warning,) = caplog.records
    assert warning.levelno == logging.WARNING
    assert f"{path}: File too large; training goes on without it" in warning.getMessage()
    assert "Traceback" not in capfd.readouterr().err
    assert [one.value for one in shown(tmp_path).Scalars("part/total")] == [1.0]
