"""Mel bins back to DFT bins: white noise stays flat, a tone keeps its frequency."""

from __future__ import annotations

import math

import pytest
import torch

from model.config import PRESETS
from model.features import LogMelImage
from model.inverse_mel import InverseMel


@pytest.mark.parametrize("name", ["tiny", "small", "base"])
def test_noise_keeps_its_level(name: str) -> None:
    config = PRESETS[name]
    torch.manual_seed(0)
    samples = 40 * config.features.hop_samples + config.features.context_samples
    image = LogMelImage(config.features)(0.1 * torch.randn(1, samples))
    magnitude = InverseMel(config)(image).exp().mean(dim=2)[0]
    window = torch.hann_window(config.vocoder.window_samples)
    # Mean magnitude of Gaussian noise in a bin (Rayleigh): sigma sqrt(sum(window^2)) sqrt(pi)/2.
    expected = 0.1 * window.square().sum().sqrt() * math.sqrt(math.pi) / 2
    inner = magnitude[len(magnitude) // 20 : -len(magnitude) // 20]
    assert inner.mean() == pytest.approx(float(expected), rel=0.1)
    assert inner.std() < 0.3 * inner.mean()


def test_a_tone_keeps_its_frequency() -> None:
    config = PRESETS["small"]
    samples = 4 * config.features.hop_samples + config.features.context_samples
    time_s = torch.arange(samples) / config.features.sample_rate_hz
    tone = 0.5 * torch.sin(2 * math.pi * 1000 * time_s)
    magnitude = InverseMel(config)(LogMelImage(config.features)(tone[None])).exp()[0, :, 2]
    place_hz = int(magnitude.argmax()) * config.features.sample_rate_hz / 1024
    assert place_hz == pytest.approx(1000, abs=60)


def test_silence_stays_silent_and_extrapolation_is_bounded() -> None:
    config = PRESETS["small"]
    inverse = InverseMel(config)
    image = torch.full((1, 3, config.features.mel_bins, 2), -1.0)
    assert inverse(image).exp().max() < 0.05
    assert torch.equal(inverse(image + 50), inverse(image + 5))
