"""Prints, without asserting, the training speed of each stage: ``pytest -m benchmark -s``.

Compare the figures of one run with each other, not with those of another day or machine.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.training.made_up_store import make_store
from training.fit import __main__ as fit
from training.fit.stages import STAGES
from training.support.run_log import RunLog

GPU = torch.cuda.is_available()
BATCH, STEPS, WARM_UP_STEPS = (64, 60, 20) if GPU else (8, 10, 4)
WAYS = {"32": ["--precision", "32"], "bf16": ["--precision", "bf16"]}
COMPILED = {"bf16 compiled": ["--precision", "bf16", "--compile", "on"]}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("store"), seconds=12.0).path


class Watch:
    """Records the time of every step."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.times_s: list[float] = []
        honest = RunLog.terms

        def terms(log: RunLog, terms: dict[str, Tensor], step: int) -> None:
            honest(log, terms, step)
            if GPU:
                torch.cuda.synchronize()
            self.times_s.append(time.perf_counter())

        monkeypatch.setattr(RunLog, "terms", terms)

    def clips_per_second(self) -> float:
        """The speed without the first steps, in which kernels are chosen or compiled."""
        steady = self.times_s[WARM_UP_STEPS:]
        return BATCH * (len(steady) - 1) / (steady[-1] - steady[0])


@pytest.mark.benchmark
@pytest.mark.timeout(3600)
def test_print_clips_per_second_of_each_stage(
    store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [f"{'stage':12} {'way':14} clips/s   of 32   waiting for data"]
    for way, options in (WAYS | (COMPILED if GPU else {})).items():
        for number, stage in STAGES.items():
            watch = Watch(monkeypatch)
            arguments = ["--batch", str(BATCH), "--steps", str(STEPS), "--stage", str(number)]
            out = ["--preset", "tiny", "--out", str(tmp_path / way)]
            assert fit.main([str(store), *out, *arguments, *options]) == 0
            speed, seen = watch.clips_per_second(), tmp_path / way / f"{stage.part}.json"
            first = FIRST.setdefault(stage.part, speed)
            wait = json.loads(seen.read_text())["data_wait"]
            rows.append(f"{stage.part:12} {way:14} {speed:7.1f} {speed / first:7.2f} {wait:12.1%}")
    with capsys.disabled():
        print("", *rows, sep="\n")


FIRST: dict[str, float] = {}
"""The speed of each stage in the first way."""
