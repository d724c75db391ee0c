"""Runs on disk: they come back as saved; damaged or foreign files are refused by name."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from model import checkpoint
from model.checkpoint import CheckpointError
from model.config import PRESETS
from model.instrument import Instrument
from model.prior import encoder_digest

TINY = PRESETS["tiny"]


SPACE = {"mean": torch.arange(8.0), "covariance": torch.eye(8)}
RESUME = {"random": torch.arange(5, dtype=torch.uint8), "weights.a": torch.randn(3, 2)}


def save(run: Path, part: str, model: Instrument, steps: int = 7) -> None:
    modules = checkpoint.modules_of(model, part)
    measured = {f"style_space.{name}": value for name, value in SPACE.items()}
    checkpoint.save_part(run, part, modules, {"steps": steps}, measured, RESUME)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    checkpoint.save_config(tmp_path, TINY)
    model = Instrument(TINY)
    for part in checkpoint.NEEDED_TO_PLAY:
        save(tmp_path, part, model)
    return tmp_path


def test_a_stored_model_comes_back_the_same(tmp_path: Path) -> None:
    model = Instrument(TINY)
    checkpoint.save_config(tmp_path, TINY)
    for part in checkpoint.NEEDED_TO_PLAY:
        save(tmp_path, part, model)
    loaded, progress = checkpoint.load_instrument(tmp_path)
    mine, theirs = model.state_dict(), loaded.state_dict()
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    assert progress == {"autoencoder": {"steps": 7}, "vocoder": {"steps": 7}}
    assert json.loads((tmp_path / "vocoder.json").read_text()) == {"steps": 7}
    assert not loaded.training


def test_the_adversarial_stage_has_the_last_word(run: Path) -> None:
    later = Instrument(TINY)
    save(run, "adversarial", later, steps=9)
    loaded, progress = checkpoint.load_instrument(run)
    assert progress["adversarial"] == {"steps": 9}
    for name, value in loaded.state_dict().items():
        same = torch.equal(value, later.state_dict()[name])
        assert same or name.startswith("encoder."), name


@pytest.mark.parametrize("outdated", [False, True])
def test_a_stage_3_of_an_earlier_encoder_is_left_out_with_a_word(
    run: Path, outdated: bool, caplog: pytest.LogCaptureFixture
) -> None:
    later, (before, _) = Instrument(TINY), checkpoint.load_instrument(run)
    digest = encoder_digest((later if outdated else before).encoder)
    modules = checkpoint.modules_of(later, "adversarial")
    measured = {checkpoint.ENCODER_DIGEST: digest}
    checkpoint.save_part(run, "adversarial", modules, {"steps": 9}, measured)
    loaded, progress = checkpoint.load_instrument(run)
    expected = (before if outdated else later).decoder.state_dict()
    torch.testing.assert_close(loaded.decoder.state_dict(), expected, rtol=0, atol=0)
    assert ("adversarial" in progress) != outdated
    assert ("belongs to an earlier encoder and is left out" in caplog.text) == outdated


def test_what_resuming_needs_comes_back(run: Path) -> None:
    tensors, progress = checkpoint.load_resume(run, "vocoder")
    assert progress == {"steps": 7}
    assert tensors.keys() == RESUME.keys()
    assert all(torch.equal(tensors[name], value) for name, value in RESUME.items())


def test_the_style_space_comes_back(run: Path) -> None:
    loaded = checkpoint.load_style_space(run)
    assert all(torch.equal(loaded[name], value) for name, value in SPACE.items())


@pytest.mark.parametrize("failing", range(3))
def test_a_full_disk_leaves_the_checkpoint_before(
    run: Path, failing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    synced: list[int] = []

    def full(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) > failing:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(checkpoint.os, "fsync", full)
    with pytest.raises(checkpoint.WriteError) as full_disk:
        save(run, "vocoder", Instrument(TINY), steps=8)
    name = ("vocoder.resume.safetensors", "vocoder.safetensors", "vocoder.json")[failing]
    assert str(full_disk.value) == (
        f"{run / name} cannot be written: No space left on device; "
        "the checkpoint of step 7 is kept: free space there and go on with --resume"
    )
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


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


def with_a_config_in_latin_1(run: Path) -> None:
    path = run / "config.json"
    path.write_bytes(path.read_bytes().replace(b"tiny", "tön".encode("latin-1")))


def without_progress(run: Path) -> None:
    save_file({"a": torch.zeros(1)}, run / "autoencoder.safetensors")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut_short, "vocoder.safetensors is damaged"),
        (of_another_preset, "autoencoder.safetensors does not fit preset 'small'"),
        (without_vocoder, "has no vocoder yet; run python -m training.fit --stage 2"),
        (without_config, "no checkpoint in"),
        (with_half_a_config, "config.json is unreadable"),
        (with_a_config_in_latin_1, "config.json is unreadable"),
        (without_progress, "autoencoder.safetensors holds no progress"),
    ],
)
def test_a_bad_run_is_refused_by_name(
    run: Path, damage: Callable[[Path], None], words: str
) -> None:
    damage(run)
    with pytest.raises(CheckpointError, match=words):
        checkpoint.load_instrument(run)


def test_a_run_can_be_read_while_it_is_trained(run: Path) -> None:
    """Tensors of other lengths again and again: what is read is one checkpoint or another."""

    def save_steps(steps: int) -> None:
        resume = {"weights.a": torch.full((steps % 9 + 1,), float(steps))}
        modules = {"vocoder": torch.nn.Linear(1, 1)}
        checkpoint.save_part(run, "vocoder", modules, {"steps": steps}, {}, resume)

    save_steps(0)
    writer = threading.Thread(target=lambda: [save_steps(steps) for steps in range(1, 300)])
    writer.start()
    while writer.is_alive():
        tensors, progress = checkpoint.load_resume(run, "vocoder")
        steps = progress["steps"]
        assert tensors["weights.a"].tolist() == [steps] * (steps % 9 + 1)
    writer.join()
