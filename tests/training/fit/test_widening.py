"""The preset ``full`` begins with the weights of ``small``, widened."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from model import checkpoint
from model.checkpoint import CheckpointError
from model.config import PRESETS
from model.features import LogMelImage, mel_filters
from model.instrument import Instrument
from training.fit.init_from import load_initial_weights
from training.fit.widening import widened

SMALL, FULL = PRESETS["small"], PRESETS["full"]
NEAR_THE_EDGE = 20
"""Mel bins below the old edge that the decoder's convolutions reach from above it."""


@pytest.fixture(scope="module")
def small() -> Instrument:
    torch.manual_seed(1)
    model = Instrument(SMALL).eval()
    # Contrast keeps a frame's level over all bins, so sound above the edge moves those below it.
    torch.nn.init.zeros_(model.decoder.contrast.gains.weight)
    return model


@pytest.fixture(scope="module")
def full(small: Instrument) -> Instrument:
    model = Instrument(FULL)
    model.load_state_dict(widened(small.state_dict(), SMALL, FULL))
    return model.eval()


def test_the_lower_mel_filters_are_the_same() -> None:
    small = mel_filters(SMALL.features, 1024)
    full = mel_filters(FULL.features, 2048)
    torch.testing.assert_close(full[:513, : SMALL.features.mel_bins], small, atol=1e-4, rtol=0)


@torch.no_grad()
def test_the_same_latents_decode_to_the_same_image_below_the_old_edge(
    small: Instrument, full: Instrument
) -> None:
    torch.manual_seed(0)
    style = torch.randn(1, 16, 40)
    maps = torch.randn(1, 3, FULL.bands, 40)
    below = maps[:, :, : SMALL.bands].flatten(1, 2)
    narrow, _ = small.decoder(style, below, small.decoder.initial_state(1))
    wide, _ = full.decoder(style, maps.flatten(1, 2), full.decoder.initial_state(1))
    bins = SMALL.features.mel_bins - NEAR_THE_EDGE
    torch.testing.assert_close(wide[:, :, :bins], narrow[:, :, :bins], atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_the_vocoder_says_the_same_below_the_old_edge(small: Instrument, full: Instrument) -> None:
    torch.manual_seed(0)
    image = torch.rand(1, 3, FULL.features.mel_bins, 40) - 0.8
    below = image[:, :, : SMALL.features.mel_bins]
    narrow, _ = small.vocoder.spectra(below, small.vocoder.initial_state(1))
    wide, _ = full.vocoder.spectra(image, full.vocoder.initial_state(1))
    bins = slice(2, 440)
    torch.testing.assert_close(wide.advance[:, bins], narrow.advance[:, bins], atol=1e-3, rtol=0)
    # The window is twice as long, and so is the sum of a magnitude.
    louder = wide.log_magnitude[:, bins] - narrow.log_magnitude[:, bins]
    assert abs(float(louder.median()) - 0.693) < 0.01


@torch.no_grad()
def test_the_image_of_one_sound_is_the_same_below_the_old_edge() -> None:
    time_s = torch.arange(3 * 44100) / 44100
    sound = sum(0.05 * torch.sin(2 * torch.pi * hz * time_s) for hz in (110, 440, 1500, 6000))
    assert isinstance(sound, torch.Tensor)
    full = LogMelImage(FULL.features)(sound[None])
    small = LogMelImage(SMALL.features)(sound[None, ::2])
    difference = full[:, :, : SMALL.features.mel_bins - 1] - small[:, :, :-1]
    assert float(difference.abs().mean()) < 0.01


def test_full_begins_with_a_run_of_small_and_base_does_not(
    small: Instrument, full: Instrument, tmp_path: Path
) -> None:
    checkpoint.save_config(tmp_path, SMALL)
    for part in checkpoint.NEEDED_TO_PLAY:
        checkpoint.save_part(tmp_path, part, checkpoint.modules_of(small, part), {"steps": 0})
    begun = Instrument(FULL)
    load_initial_weights(tmp_path, begun)
    for name, value in full.state_dict().items():
        torch.testing.assert_close(begun.state_dict()[name], value, atol=0, rtol=0)
    with pytest.raises(CheckpointError, match="has preset 'small'"):
        load_initial_weights(tmp_path, Instrument(PRESETS["base"]))
