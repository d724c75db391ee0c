"""Two processes learn what one would: items, random numbers and means are the same."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.training.apart import start_several
from tests.training.made_up_store import make_store
from training.fit import __main__ as fit
from training.fit.stages import STAGES, Stage
from training.objectives.augment import ImageAugmentation
from training.store.clip_pairs import ClipPairs
from training.store.store import Store
from training.support import processes
from training.support.processes import SharedBatchNorm2d

ROOT = Path(__file__).parent.parent.parent
FAST = ["--preset", "tiny", "--batch", "8", "--threads", "1", "--precision", "32"]
STEPS = ["--minutes", "50", "--steps", "3"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("store")).path


def losses(run: Path, part: str) -> dict[str, float]:
    loss: dict[str, float] = json.loads((run / f"{part}.json").read_text())["loss"]
    return loss


def two_processes(folder: Path, *arguments: str) -> tuple[list[int | None], list[str]]:
    """Exit code and output of each of two processes."""
    folder.mkdir(exist_ok=True)
    processes = start_several(2, list(arguments), folder)
    for process in processes:
        process.join()
    said = [(folder / f"{rank}.txt").read_text() for rank in range(2)]
    return [process.exitcode for process in processes], said


@pytest.mark.parametrize("stage", STAGES.values(), ids=lambda stage: stage.part)
def test_two_processes_have_the_loss_of_one(store: Path, tmp_path: Path, stage: Stage) -> None:
    number = str(stage.number)
    runs = {name: [str(store), "--out", str(tmp_path / name), *FAST] for name in ("one", "two")}
    for arguments in runs.values():
        for earlier in (other for other in STAGES if other < stage.number):
            assert fit.main([*arguments, "--stage", str(earlier), "--steps", "1"]) == 0
    assert fit.main([*runs["one"], "--stage", number, *STEPS]) == 0
    ended, said = two_processes(tmp_path / "two", *runs["two"], "--stage", number, *STEPS)
    assert ended == [0, 0], said
    one, two = (losses(tmp_path / name, stage.part) for name in ("one", "two"))
    gradients = one.pop("gradient"), two.pop("gradient")
    assert two == pytest.approx(one, rel=1e-4, abs=1e-4)
    assert gradients[1] == pytest.approx(gradients[0], rel=1e-2)
    assert "step 3" in said[0]
    assert "step 3" not in said[1], "one of them shows"


def test_one_goes_on_where_two_were_and_two_refuse_in_one_line(store: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = [str(store), "--out", str(run), *FAST, "--stage", "1", "--minutes", "50"]
    assert two_processes(run, *arguments, "--steps", "2")[0] == [0, 0]
    assert fit.main([*arguments, "--steps", "3", "--resume"]) == 0
    assert json.loads((run / "autoencoder.json").read_text())["steps"] == 3
    ended, said = two_processes(run, *arguments, "--steps", "4")
    assert ended == [2, 2]
    assert "already holds a trained autoencoder" in said[0]
    assert "training.fit" not in said[1]
    assert "Traceback" not in said[0] + said[1]


def test_a_process_that_is_killed_ends_the_other_in_one_line(store: Path, tmp_path: Path) -> None:
    arguments = [str(store), "--out", str(tmp_path), *FAST, "--stage", "2"]
    first, second = start_several(2, arguments, tmp_path)
    progress = tmp_path / "0.txt"
    # The bar skips steps on a fast machine: any step after the first means both have trained.
    while not (progress.exists() and re.search(r"step (?!1,)\d+,", progress.read_text())):
        assert first.is_alive()
        time.sleep(0.02)
    second.kill()
    first.join()
    said = (tmp_path / "0.txt").read_text()
    assert first.exitcode == 2, said
    assert said.splitlines()[-1] == ("training.fit: another process ended; go on with --resume")
    assert "Traceback" not in said


@pytest.mark.long
@pytest.mark.parametrize(
    ("launcher", "option"),
    [
        (["-m"], ["--devices", "2"]),
        (["-m", "torch.distributed.run", "--nproc-per-node", "2", "-m"], []),
    ],
)
def test_both_launchers_start_two(
    store: Path, tmp_path: Path, launcher: list[str], option: list[str]
) -> None:
    run = [str(store), "--out", str(tmp_path), *FAST, "--stage", "2", *STEPS, *option]
    command = [sys.executable, *launcher, "training.fit", *run]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "Starting with 2 processes" in ended.stderr


@pytest.mark.parametrize("count", [2, 4])
def test_processes_read_their_own_part_of_each_batch(store: Path, count: int) -> None:
    whole = ClipPairs(Store.open(store), 4000, 8, 3, seed=5)
    parts = [
        ClipPairs(Store.open(store), 4000, 8, 3, 5, process_index=index, process_count=count)
        for index in range(count)
    ]
    for step in range(3):
        together = [torch.cat(own) for own in zip(*(part[step] for part in parts), strict=True)]
        assert all(torch.equal(a, b) for a, b in zip(together, whole[step], strict=True))


class Pretend:
    """Pretends that this process is each of several, one after the other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
        self.index, self.count = 0, count
        monkeypatch.setattr(processes, "process_count", lambda: self.count)
        monkeypatch.setattr(processes, "process_index", lambda: self.index)
        monkeypatch.setattr("training.objectives.augment.process_count", lambda: self.count)


def test_random_numbers_belong_to_items(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(4)
    expected = torch.randn(6, 5)
    after = torch.rand(())
    pretend = Pretend(monkeypatch, 2)
    for index in range(2):
        pretend.index = index
        torch.manual_seed(4)
        own = processes.draw_for_items(lambda items: torch.randn(items, 5), 3)
        assert torch.equal(own, expected[3 * index : 3 * index + 3])
        assert torch.rand(()) == after, "and all go on alike"


def test_augmentation_does_to_an_image_what_it_would_in_one_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    augment = ImageAugmentation()
    image = 2 * torch.rand(8, 3, 16, 12) - 1
    torch.manual_seed(1)
    expected = augment(image)
    assert not torch.equal(expected, image)
    pretend = Pretend(monkeypatch, 2)
    for index in range(2):
        pretend.index = index
        torch.manual_seed(1)
        own = slice(4 * index, 4 * index + 4)
        torch.testing.assert_close(augment(image[own]), expected[own])


def test_shared_statistics_are_those_of_the_whole_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """If every process has the same items, the mean of all is the mean of one."""
    torch.manual_seed(0)
    plain, shared = nn.BatchNorm2d(3), SharedBatchNorm2d(3)
    x = torch.randn(4, 3, 5, 6) * 2 + 1
    mine, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    Pretend(monkeypatch, 2)
    monkeypatch.setattr(processes, "all_reduce", lambda value: 2 * value)
    doubled = torch.cat([theirs, theirs])
    plain(doubled)[:4].square().sum().backward()
    shared(mine).square().sum().backward()
    torch.testing.assert_close(shared(x), plain(x))
    assert shared.state_dict().keys() == plain.state_dict().keys()
    plain.eval(), shared.eval()
    torch.testing.assert_close(shared.running_mean, plain.running_mean, atol=1e-5, rtol=1e-4)


def test_more_devices_than_there_are_is_one_line(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(store), "--out", str(tmp_path), *FAST, "--devices", "3"]
    with pytest.raises(SystemExit) as ended:
        fit.main(arguments)
    assert ended.value.code == 2
    assert "give a multiple of 6" in capsys.readouterr().err
