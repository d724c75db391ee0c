"""The encoder: shapes, strides, and torchvision's names."""

from __future__ import annotations

import pytest
import torch
from torchvision.models import ResNet34_Weights, resnet34

from model.config import PRESETS, ModelConfig
from model.encoder import Encoder, ResNetTrunk
from model.phase_code import phase_code


@pytest.mark.parametrize("name", ["tiny", "small", "seed"])
def test_latents_have_the_shapes_the_configuration_says(name: str) -> None:
    config = PRESETS[name]
    image = torch.randn(2, 3, config.features.mel_bins, config.clip_frames)
    latents = Encoder(config).eval()(image)
    assert latents.style_mean.shape == (2, config.encoder.style_dims)
    assert latents.style_log_variance.shape == (2, config.encoder.style_dims)
    assert latents.structure.shape == (2, config.structure_dims, config.clip_ticks)


@pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS)
def test_time_keeps_its_ticks_and_frequency_its_bands(config: ModelConfig) -> None:
    frames = 4 * config.encoder.frames_per_tick
    features = ResNetTrunk(config)(torch.randn(2, 3, config.features.mel_bins, frames))
    assert features.shape[2:] == (config.bands, 4)


def test_imagenet_weights_fit_the_base_trunk_by_name_and_shape() -> None:
    theirs = {name: value.shape for name, value in resnet34().state_dict().items()}
    mine = {n: v.shape for n, v in ResNetTrunk(PRESETS["base"]).state_dict().items()}
    strided = {"layer2.0.downsample", "layer3.0.downsample"}
    assert {n: theirs[n] for n in mine} == mine
    assert all(any(n.startswith(s) for n in mine) for s in strided)


def test_pretrained_weights_are_taken_where_they_can_be_had(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    downloaded = resnet34().state_dict()
    monkeypatch.setattr(ResNet34_Weights, "get_state_dict", lambda self, **_: downloaded)
    trunk = ResNetTrunk(PRESETS["base"])
    trunk.load_imagenet()
    assert torch.equal(trunk.conv1.weight, downloaded["conv1.weight"])


def test_without_a_download_training_starts_from_scratch_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(self: object, **_: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(ResNet34_Weights, "get_state_dict", refuse)
    trunk = ResNetTrunk(PRESETS["tiny"])
    before = trunk.conv1.weight.clone()
    trunk.load_imagenet()
    assert torch.equal(trunk.conv1.weight, before)
    assert "from scratch" in caplog.text


def test_a_narrower_trunk_refuses_imagenet_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    weights = resnet34().state_dict()
    monkeypatch.setattr(ResNet34_Weights, "get_state_dict", lambda self, **_: weights)
    ResNetTrunk(PRESETS["small"]).load_imagenet()
    assert "from scratch" in caplog.text


def test_the_seed_hears_no_structure() -> None:
    config = PRESETS["seed"]
    image = torch.randn(2, 3, config.features.mel_bins, config.clip_frames)
    structure = Encoder(config).eval()(image).structure
    torch.testing.assert_close(structure[0], phase_code(config.clip_ticks))
    assert torch.equal(structure[0], structure[1])
