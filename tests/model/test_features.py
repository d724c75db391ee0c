"""Log-mel images: level, frequency and time of sounds."""

from __future__ import annotations

import math

import pytest
import torch

from model.config import PRESETS
from model.features import LogMelImage

CONFIG = PRESETS["small"].features
FEATURES = LogMelImage(CONFIG)


def image_of(signal: torch.Tensor) -> torch.Tensor:
    return FEATURES(signal[None])[0]


def seconds(samples: int) -> torch.Tensor:
    return torch.arange(samples) / CONFIG.sample_rate_hz


def test_frames_are_the_samples_without_context() -> None:
    frames = 9
    image = image_of(torch.randn(frames * CONFIG.hop_samples + CONFIG.context_samples))
    assert image.shape == (3, CONFIG.mel_bins, frames)


def test_silence_is_the_floor() -> None:
    image = image_of(torch.zeros(3 * CONFIG.hop_samples + CONFIG.context_samples))
    assert torch.equal(image, torch.full_like(image, -1))


@pytest.mark.parametrize("gain_db", [0.0, -20.0, -40.0])
def test_a_sine_reads_its_level(gain_db: float) -> None:
    sine = 10 ** (gain_db / 20) * torch.sin(2 * math.pi * 3000 * seconds(8192))
    level_db = (image_of(sine).amax(dim=1) - 1) * -CONFIG.floor_db / 2
    # A Hann window's main lobe adds up to 6 dB in a wide band, the slope of a filter takes some.
    assert (level_db - gain_db).min() > -1
    assert (level_db - gain_db).max() < 6.5


def test_all_three_windows_are_centred_on_the_frame() -> None:
    frames, struck = 24, 11
    signal = torch.zeros(frames * CONFIG.hop_samples + CONFIG.context_samples)
    signal[CONFIG.context_samples // 2 + struck * CONFIG.hop_samples + CONFIG.hop_samples // 2] = 1
    energy = image_of(signal).sum(dim=1)
    assert energy.argmax(dim=1).tolist() == [struck] * 3


def test_no_mel_filter_is_empty() -> None:
    noise = torch.randn(2 * CONFIG.hop_samples + CONFIG.context_samples)
    assert (image_of(noise) > -1).all()
