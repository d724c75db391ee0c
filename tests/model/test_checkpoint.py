"""Runs on disk: what is written comes back, what is damaged or foreign is refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from model import checkpoint
from model.checkpoint import CheckpointError
from model.config import PRESETS
from model.instrument import Instrument

TINY = PRESETS["tiny"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    checkpoint.save_config(tmp_path, TINY)
    model = Instrument(TINY)
    for part in checkpoint.PARTS:
        checkpoint.save_part(tmp_path, part, model, {"steps": 7, "seconds": 3})
    return tmp_path


def test_a_stored_model_comes_back_the_same(tmp_path: Path) -> None:
    model = Instrument(TINY)
    checkpoint.save_config(tmp_path, TINY)
    for part in checkpoint.PARTS:
        checkpoint.save_part(tmp_path, part, model, {"steps": 7})
    loaded, progress = checkpoint.load_instrument(tmp_path)
    mine, theirs = model.state_dict(), loaded.state_dict()
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    assert progress == {"autoencoder": {"steps": 7}, "vocoder": {"steps": 7}}
    assert not loaded.training


def test_the_optimiser_goes_on_where_it_was(run: Path) -> None:
    def trained(steps: int, optimiser: torch.optim.Optimizer, weight: torch.Tensor) -> None:
        for _ in range(steps):
            optimiser.zero_grad()
            (weight.square().sum() * torch.rand(())).backward()
            optimiser.step()

    torch.manual_seed(3)
    weight = torch.ones(5, requires_grad=True)
    optimiser = torch.optim.AdamW([weight])
    trained(3, optimiser, weight)
    checkpoint.save_resume(run, "vocoder", optimiser)
    copy = weight.detach().clone().requires_grad_()
    trained(3, optimiser, weight)
    torch.manual_seed(99)
    resumed = torch.optim.AdamW([copy])
    checkpoint.load_resume(run, "vocoder", resumed)
    trained(3, resumed, copy)
    assert torch.equal(copy, weight)


def test_the_style_space_comes_back(run: Path) -> None:
    space = {"mean": torch.randn(8), "covariance": torch.eye(8)}
    checkpoint.save_style_space(run, space)
    loaded = checkpoint.load_style_space(run)
    assert all(torch.equal(loaded[name], value) for name, value in space.items())


def test_a_run_of_another_preset_is_left_alone(run: Path) -> None:
    with pytest.raises(CheckpointError, match="holds a run of preset 'tiny'"):
        checkpoint.save_config(run, PRESETS["small"])
    assert checkpoint.load_config(run) == TINY


def cut_short(run: Path) -> None:
    path = run / "vocoder.safetensors"
    path.write_bytes(path.read_bytes()[:1000])


def of_another_preset(run: Path) -> None:
    (run / "config.json").write_text(json.dumps(PRESETS["small"].to_dict()))


def without_vocoder(run: Path) -> None:
    (run / "vocoder.safetensors").unlink()


def without_config(run: Path) -> None:
    (run / "config.json").unlink()


def with_half_a_config(run: Path) -> None:
    path = run / "config.json"
    path.write_text(path.read_text()[:40])


def with_damaged_progress(run: Path) -> None:
    (run / "autoencoder.json").write_text("{")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut_short, "vocoder.safetensors is damaged"),
        (of_another_preset, "is no autoencoder of preset 'small'"),
        (without_vocoder, "has no vocoder yet; run python -m training.fit --stage 2"),
        (without_config, "no checkpoint in"),
        (with_half_a_config, "config.json is unreadable"),
        (with_damaged_progress, "autoencoder.json is unreadable"),
    ],
)
def test_a_bad_run_is_refused_by_name(
    run: Path, damage: Callable[[Path], None], words: str
) -> None:
    damage(run)
    with pytest.raises(CheckpointError, match=words):
        checkpoint.load_instrument(run)
