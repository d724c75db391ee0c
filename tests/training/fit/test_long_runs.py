"""Runs that are interrupted, killed or out of disk space go on exactly, and nothing is lost."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import torch
from lightning.fabric import Fabric
from safetensors.torch import load_file
from torch.utils.data import DataLoader

from export.graphs.prior import trained_prior
from model import checkpoint
from model.checkpoint import within
from model.config import PRESETS
from model.instrument import Instrument
from tests.training.apart import APART, start_fit, start_several
from tests.training.made_up_store import make_store
from training.fit import __main__ as fit
from training.fit.loading import batches_of
from training.fit.settings import parse_args
from training.fit.stage_setup import set_up_stage
from training.fit.stages import STAGES
from training.fit.stopping import StoppedError, Stopping
from training.store.clip_pairs import ClipPairs, PairBatch
from training.store.store import Store

FAST = ["--preset", "tiny", "--batch", "4", "--threads", "1", "--minutes", "50"]
EVERY_STEP = ["--checkpoint-minutes", "1e-9"]
PART = {"1": "autoencoder", "2": "vocoder"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("store")).path


def run_fit(store: Path, out: Path, stage: str, *more: str) -> int:
    return fit.main([str(store), "--out", str(out), "--stage", stage, *FAST, *more])


def contents(run: Path, part: str) -> dict[str, object]:
    """All files of a run, without the seconds that it took."""
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


def test_stages_of_an_earlier_encoder_begin_again_for_the_new_one(
    store: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert run_fit(store, tmp_path, "all", "--steps", "1") == 0
    assert run_fit(store, tmp_path, "1", "--steps", "2", "--resume") == 0
    model, progress = checkpoint.load_instrument(tmp_path)
    assert list(progress) == ["autoencoder", "vocoder"], "stage 3 answers to another encoder"

    settings = parse_args([str(store), "--out", str(tmp_path), *FAST, "--resume"])
    judged, prior = (set_up_stage(STAGES[n], torch.device("cpu"), settings) for n in (3, 4))
    assert judged.progress["steps"] == prior.progress["steps"] == 0
    assert not judged.optimiser.state and not prior.optimiser.state
    kept = within("prior", load_file(tmp_path / "prior.safetensors"))
    assert torch.equal(prior.objective.state_dict()["prior.directions"], kept["directions"])
    mine = judged.objective.learned()["decoder"].state_dict()
    torch.testing.assert_close(mine, model.decoder.state_dict(), rtol=0, atol=0)
    assert "begins again with the weights of autoencoder and vocoder" in caplog.text
    assert "begins again with the weights of prior" in caplog.text

    assert run_fit(store, tmp_path, "all", "--steps", "2", "--resume") == 0
    model, progress = checkpoint.load_instrument(tmp_path)
    assert {seen["steps"] for seen in progress.values()} == {2}
    assert trained_prior(tmp_path, model) is not None
    caplog.clear()
    assert run_fit(store, tmp_path, "all", "--steps", "2", "--resume") == 0
    assert "begins again" not in caplog.text


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
    assert errors.splitlines()[-1] == (
        f"training.fit: {out / 'vocoder.resume.safetensors'} cannot be written: File too large; "
        "the checkpoint of step 2 is kept: free space there and go on with --resume"
    )
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


STOPPED = r"training.fit: stopped at step (\d+), which is saved; go on with --resume"


def trains(errors: Path) -> bool:
    """True after a step beyond the first: the bar skips steps on a fast machine."""
    return errors.exists() and re.search(r"step (?!1,)\d+,", errors.read_text()) is not None


def stopped_at(errors: Path) -> int:
    """The step in the last line."""
    said = errors.read_text()
    assert "Traceback" not in said
    found = re.fullmatch(STOPPED, said.splitlines()[-1])
    assert found, said
    return int(found[1])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_stopped_keeps_the_step_under_way(
    store: Path, tmp_path: Path, number: int, code: int
) -> None:
    process, errors = started(store, tmp_path, "2", "--steps", "100000"), tmp_path / "errors.txt"
    eventually(lambda: trains(errors), process, errors)
    assert process.pid is not None
    os.kill(process.pid, number)
    process.join()
    assert process.exitcode == code, errors.read_text()
    step = stopped_at(errors)
    assert steps_of(tmp_path, "vocoder") == step > 1
    assert run_fit(store, tmp_path, "2", "--steps", str(step + 1), "--resume") == 0
    assert steps_of(tmp_path, "vocoder") == step + 1


def test_a_signal_to_any_process_stops_all_at_the_same_step(store: Path, tmp_path: Path) -> None:
    arguments = [str(store), "--out", str(tmp_path), "--stage", "2", *FAST]
    both = start_several(2, arguments, tmp_path)
    said = tmp_path / "0.txt"
    eventually(lambda: trains(said), both[0], said)
    assert both[1].pid is not None
    os.kill(both[1].pid, signal.SIGTERM)
    for process in both:
        process.join()
    # The other's is 0: at any other code Lightning kills the first one, whose 143 counts.
    assert [process.exitcode for process in both] == [143, 0], said.read_text()
    assert stopped_at(said) == steps_of(tmp_path, "vocoder")
    assert "stopped" not in (tmp_path / "1.txt").read_text()


@pytest.fixture
def terminal() -> Iterator[None]:
    """Make Ctrl-C work even if the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("terminal")
def test_a_second_signal_ends_at_once_and_old_handlers_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Stopping(Fabric(devices=1, accelerator="cpu")) as stopping:
        assert not stopping.due(1)
        signal.raise_signal(signal.SIGINT)
        assert stopping.due(2)
        assert signal.getsignal(signal.SIGTERM) == before
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(StoppedError, match="step 2"):
            stopping.end(2)
    with Stopping(Fabric(devices=1, accelerator="cpu")) as stopping:
        stopping.end(3)
    assert signal.getsignal(signal.SIGTERM) == before
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


@pytest.mark.usefixtures("terminal")
def test_what_a_script_sends_to_the_background_stays_deaf_to_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Stopping(Fabric(devices=1, accelerator="cpu")) as stopping:
        signal.raise_signal(signal.SIGINT)
        assert not stopping.due(1)
        signal.raise_signal(signal.SIGTERM)
        assert stopping.due(2)
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN


def test_workers_serve_on_after_ctrl_c(store: Path, tmp_path: Path) -> None:
    """A terminal sends it to them as well, and the step under way still needs batches."""
    settings = parse_args([str(store), "--out", str(tmp_path), *FAST, "--steps", "12"])
    model = Instrument(PRESETS["tiny"])
    loader = batches_of(STAGES[2], model, Store.open(store), settings, first=0)
    apart = DataLoader(
        loader.dataset,
        batch_size=None,
        num_workers=1,
        worker_init_fn=loader.worker_init_fn,
        multiprocessing_context=APART,
    )
    batches = iter(apart)
    next(batches)
    os.kill(batches._workers[0].pid, signal.SIGINT)  # type: ignore[attr-defined]
    assert len(list(batches)) == 11
