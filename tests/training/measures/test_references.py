"""The reference methods that the model is compared with."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from export.audio.model_input import cut_window
from model.config import preset
from model.features import LogMelImage
from training.measures import metrics
from training.measures.references import GriffinLim, coloured_noise, mel_to_bins

CONFIG = preset("tiny").features
FRAMES = 80


def chord() -> np.ndarray:
    time_s = np.arange(CONFIG.hop_samples * FRAMES) / CONFIG.sample_rate_hz
    envelope = np.exp(-3 * (time_s % 0.5))
    tones = sum(np.sin(2 * np.pi * hz * time_s) for hz in (330.0, 495.0, 880.0))
    return (0.1 * tones * envelope).astype(np.float32)


def griffin_lim(window_samples: int) -> np.ndarray:
    hop = CONFIG.hop_samples
    longer = cut_window(chord(), 0, chord().size, CONFIG.context_samples + 2 * hop)
    image = LogMelImage(CONFIG)(torch.from_numpy(longer)[None])[0]
    assert image.shape[2] == FRAMES + 2
    return GriffinLim(CONFIG, window_samples)(image.numpy(), seed=0)


@pytest.mark.parametrize("window_samples", [512, 1024])
def test_griffin_lim_is_aligned_and_at_the_right_level(window_samples: int) -> None:
    truth, made = chord(), griffin_lim(window_samples)
    assert made.shape == truth.shape
    assert abs(metrics.level_db(truth, made)) < 3
    assert metrics.onset_f1(truth, made, CONFIG.sample_rate_hz) == 1
    assert metrics.spectral_distance(truth, made, 1e-3) < metrics.spectral_distance(
        truth, coloured_noise(truth, 0), 1e-3
    )


def test_mel_to_bins_reproduces_the_mels() -> None:
    filters = np.array([[1, 0.5, 0, 0], [0, 0.5, 1, 0.5]], np.float32)
    mel = filters @ np.array([[1, 0], [2, 1], [3, 0], [0, 2]], np.float32)
    bins = mel_to_bins(filters, mel)
    assert (bins >= 0).all()
    np.testing.assert_allclose(filters @ bins, mel, rtol=1e-4)


def test_a_silent_mel_gives_silent_bins() -> None:
    bins = mel_to_bins(np.eye(3, dtype=np.float32), np.zeros((3, 5), np.float32))
    np.testing.assert_array_equal(bins, np.zeros((3, 5)))


def test_coloured_noise_has_the_level_and_the_spectrum_but_not_the_time() -> None:
    truth = chord()
    noise = coloured_noise(truth, 0)
    assert noise.shape == truth.shape
    assert abs(metrics.level_db(truth, noise)) < 1.5
    power = np.abs(np.fft.rfft(noise)) ** 2
    hz = np.fft.rfftfreq(noise.size, 1 / CONFIG.sample_rate_hz)
    assert power[(hz > 250) & (hz < 950)].sum() > 0.95 * power.sum()
    halves = np.sqrt(np.square(noise.reshape(8, -1)).mean(axis=1))
    assert halves.max() < 3 * halves.min()
