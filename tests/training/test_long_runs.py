"""Runs that are interrupted, killed, short of disk: they go on exactly, and nothing is lost."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import torch

from model import checkpoint
from tests.training.apart import start_fit
from tests.training.made_up_store import make_store
from training import fit
from training.data import ClipPairs, PairBatch

FAST = ["--preset", "tiny", "--batch", "4", "--threads", "1", "--minutes", "50"]
EVERY_STEP = ["--checkpoint-minutes", "1e-9"]
PART = {"1": "autoencoder", "2": "vocoder"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("store")).path


def run_fit(store: Path, out: Path, stage: str, *more: str) -> int:
    return fit.main([str(store), "--out", str(out), "--stage", stage, *FAST, *more])


def contents(run: Path, part: str) -> dict[str, object]:
    """What counts of a run: all of its files but the seconds it took."""
    tensors, progress = checkpoint.load_resume(run, part)
    weights, again = checkpoint._read(run / f"{part}.safetensors")
    assert progress == again == json.loads((run / f"{part}.json").read_text())
    return {"tensors": tensors, "weights": weights, "loss": progress["loss"]}


@pytest.mark.parametrize("stage", ["1", "2"])
def test_three_steps_and_three_more_are_six(
    store: Path, tmp_path: Path, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if stage == "2":
        for name in ("whole", "cut"):
            assert run_fit(store, tmp_path / name, "1", "--steps", "2") == 0
    assert run_fit(store, tmp_path / "whole", stage, "--steps", "6") == 0

    honest = ClipPairs.__getitem__

    def stopped(self: ClipPairs, step: int) -> PairBatch:
        if self.seed == 0 and step == 3:
            raise KeyboardInterrupt
        return honest(self, step)

    with monkeypatch.context() as patched:
        patched.setattr(ClipPairs, "__getitem__", stopped)
        assert run_fit(store, tmp_path / "cut", stage, "--steps", "6", *EVERY_STEP) == 130
    torch.manual_seed(99)
    assert run_fit(store, tmp_path / "cut", stage, "--steps", "6", "--resume") == 0
    whole, cut = (contents(tmp_path / name, PART[stage]) for name in ("whole", "cut"))
    torch.testing.assert_close(cut, whole, rtol=0, atol=0)


def test_a_budget_that_is_used_up_leaves_the_run_alone(store: Path, tmp_path: Path) -> None:
    assert run_fit(store, tmp_path, "2", "--steps", "2") == 0
    before = (tmp_path / "vocoder.resume.safetensors").read_bytes()
    assert run_fit(store, tmp_path, "2", "--steps", "2", "--resume") == 0
    assert (tmp_path / "vocoder.resume.safetensors").read_bytes() == before


def started(
    store: Path, out: Path, stage: str, *more: str, file_bytes: int | None = None
) -> BaseProcess:
    out.mkdir(exist_ok=True)
    arguments = [str(store), "--out", str(out), "--stage", stage, *FAST, *more]
    return start_fit(arguments, out / "errors.txt", file_bytes=file_bytes)


def eventually(condition: Callable[[], bool], process: BaseProcess, errors: Path) -> None:
    while not condition():
        assert process.is_alive(), errors.read_text()
        time.sleep(0.005)


def steps_of(run: Path, part: str) -> int:
    return int(checkpoint.load_resume(run, part)[1]["steps"])


@pytest.mark.parametrize(
    ("stage", "kills"), [pytest.param("1", 3, marks=pytest.mark.long), ("2", 6)]
)
def test_a_run_killed_at_any_moment_goes_on_from_its_last_checkpoint(
    store: Path, tmp_path: Path, stage: str, kills: int
) -> None:
    part, chance = PART[stage], random.Random(stage)
    steps, arguments = 0, ["--steps", "100000", *EVERY_STEP, "--resume"]
    for _ in range(kills):
        process = started(store, tmp_path, stage, *arguments)

        def further(before: int = steps) -> bool:
            there = checkpoint.has_resume(tmp_path, part)
            return there and steps_of(tmp_path, part) > before

        eventually(further, process, tmp_path / "errors.txt")
        time.sleep(chance.random() * 0.3)
        process.kill()
        process.join()
        steps, before = steps_of(tmp_path, part), steps
        assert steps > before
        if checkpoint.has_part(tmp_path, part):
            _, progress = checkpoint._read(tmp_path / f"{part}.safetensors")
            assert progress["steps"] <= steps, "it is written after what resuming needs"
    ended = started(store, tmp_path, stage, "--steps", str(steps + 1), "--resume")
    ended.join()
    assert ended.exitcode == 0, (tmp_path / "errors.txt").read_text()
    assert steps_of(tmp_path, part) == steps + 1
    assert not list(tmp_path.glob("*.part")), "what a kill left half written is written over"


def test_a_full_disk_ends_in_one_line_with_the_checkpoint_before(
    store: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    assert run_fit(store, out, "2", "--steps", "2") == 0
    before = {path.name: path.read_bytes() for path in out.glob("vocoder*")}
    room = len(before["vocoder.resume.safetensors"]) // 2
    full = started(store, out, "2", "--steps", "4", "--resume", file_bytes=room)
    full.join()
    errors = (out / "errors.txt").read_text()
    assert full.exitcode == 2, errors
    assert errors.splitlines()[-1].startswith("training.fit: [Errno 27] File too large")
    assert "Traceback" not in errors
    assert {path.name: path.read_bytes() for path in out.glob("vocoder*")} == before
    assert run_fit(store, out, "2", "--steps", "4", "--resume") == 0


@pytest.mark.parametrize("name", ["vocoder.resume.safetensors", "autoencoder.safetensors"])
def test_an_interrupted_write_is_refused_by_name(
    store: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_fit(store, tmp_path, "all", "--steps", "1") == 0
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    capsys.readouterr()
    assert run_fit(store, tmp_path, "2", "--steps", "2", "--resume") == 2
    error = capsys.readouterr().err
    assert f"{name} is damaged" in error
    assert error.count("\n") == 1
