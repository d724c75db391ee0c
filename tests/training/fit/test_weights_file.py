"""The weights of a run travel in one small file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from model import checkpoint
from model.checkpoint import CheckpointError
from model.config import PRESETS
from model.instrument import Instrument
from training.fit.init_from import load_initial_prior, load_initial_weights
from training.fit.weights_file import main, read_weights, write_weights

TINY = PRESETS["tiny"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    torch.manual_seed(3)
    model, folder = Instrument(TINY), tmp_path / "run"
    checkpoint.save_config(folder, TINY)
    for part in checkpoint.NEEDED_TO_PLAY:
        checkpoint.save_part(folder, part, checkpoint.modules_of(model, part), {"steps": 0})
    return folder


def test_a_new_run_begins_with_the_weights_to_half_precision(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    assert main([str(run), "-o", str(file)]) == 0
    model = Instrument(TINY)
    load_initial_weights(file, model)
    original, _ = checkpoint.load_instrument(run)
    for name, value in original.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], value, atol=1e-4, rtol=1e-3)
    assert load_initial_prior(file, model) is None


def test_a_file_of_another_preset_is_rejected(run: Path, tmp_path: Path) -> None:
    write_weights(run, tmp_path / "weights.safetensors")
    with pytest.raises(CheckpointError, match="has preset 'tiny', but the model has"):
        load_initial_weights(tmp_path / "weights.safetensors", Instrument(PRESETS["small"]))


@pytest.mark.parametrize("content", [b"", b"no tensors at all", b"\xff" * 64])
def test_a_damaged_file_is_rejected_in_one_line(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    file.write_bytes(content)
    with pytest.raises(CheckpointError, match="is not a file of weights") as caught:
        read_weights(file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("arguments", [["none", "-o", "x.safetensors"], ["none", "-o", "x.bin"]])
def test_bad_options_end_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
