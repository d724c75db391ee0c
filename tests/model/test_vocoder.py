"""Phase synthesis: tones are tones, noise is noise, a frozen image does not buzz."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from model.config import PRESETS
from model.vocoder import LARGEST_SPREAD, PhaseSynthesis, Spectra, Vocoder

CONFIG = PRESETS["small"]
RATE_HZ = CONFIG.features.sample_rate_hz
WINDOW, HOP = CONFIG.vocoder.window_samples, CONFIG.synthesis_hop_samples


def spectra_of_a_tone(frequency_hz: float, amplitude: float, count: int) -> Spectra:
    """The spectrum of a tone: the main lobe of a Hann window around it."""
    place = frequency_hz * WINDOW / RATE_HZ
    bins = torch.arange(CONFIG.spectrum_bins, dtype=torch.float64)
    distance = bins - place
    lobe = torch.sinc(distance) / (1 - distance.square()).where(distance.abs() != 1, 1e9)
    magnitude = amplitude * WINDOW / 4 * lobe.abs().where(distance.abs() < 2, torch.tensor(0.0))
    advance = torch.where(
        distance.abs() < 2, -2 * math.pi * distance * HOP / WINDOW, torch.tensor(0.0)
    )
    column = lambda x: x.float()[None, :, None].expand(1, -1, count)  # noqa: E731
    return Spectra(
        torch.log(column(magnitude) + 1e-6), column(advance), torch.zeros(1, len(bins), count)
    )


def synthesise(spectra: Spectra) -> Tensor:
    synthesis = PhaseSynthesis(CONFIG)
    noise = torch.randn_like(spectra.spread)
    audio, _ = synthesis(spectra, noise, synthesis.initial_state(1))
    return audio[0, WINDOW:-WINDOW]


@pytest.mark.parametrize("frequency_hz", [220.0, 441.3, 1234.5, 5000.0])
def test_a_tone_keeps_its_pitch_and_level_between_bins(frequency_hz: float) -> None:
    audio = synthesise(spectra_of_a_tone(frequency_hz, 0.5, 200))
    window = torch.hann_window(len(audio))
    spectrum = torch.fft.rfft(audio * window).abs()
    loudest = int(spectrum.argmax()) * RATE_HZ / len(audio)
    assert loudest == pytest.approx(frequency_hz, abs=RATE_HZ / len(audio))
    assert spectrum.max() * 4 / len(audio) == pytest.approx(0.5, rel=0.2)
    aside = torch.arange(len(spectrum)) - spectrum.argmax()
    assert spectrum[aside.abs() > 40].max() < 0.03 * spectrum.max()


def test_uncertain_phases_make_noise_that_does_not_repeat() -> None:
    count = 200
    shape = (1, CONFIG.spectrum_bins, count)
    flat = Spectra(torch.zeros(shape), torch.zeros(shape), torch.full(shape, LARGEST_SPREAD))
    audio = synthesise(flat)
    audio = audio - audio.mean()
    for lag in (HOP, 2 * HOP, WINDOW, 2 * WINDOW):
        correlation = (audio[lag:] * audio[:-lag]).mean() / audio.square().mean()
        # Windows overlap, so near neighbours resemble each other a little.
        assert correlation.abs() < (0.6 if lag < WINDOW else 0.15)


def test_phases_go_on_where_they_were() -> None:
    torch.manual_seed(0)
    vocoder = Vocoder(CONFIG).eval()
    state = vocoder.initial_state(1)
    image = torch.zeros(1, 3, CONFIG.features.mel_bins, 4)
    noise = torch.zeros(1, CONFIG.spectrum_bins, 4 * CONFIG.vocoder.spectra_per_frame)
    with torch.no_grad():
        _, state = vocoder(image, noise, state)
        phase = state["vocoder.phase"]
        _, later = vocoder(image, noise, state)
    assert ((phase >= 0) & (phase < 1)).all()
    assert not torch.equal(later["vocoder.phase"], phase)


def test_hours_later_phases_are_as_exact_as_at_the_start() -> None:
    synthesis = PhaseSynthesis(CONFIG)
    spectra = spectra_of_a_tone(441.3, 0.5, 64)
    noise = torch.zeros_like(spectra.spread)
    state = synthesis.initial_state(1)
    for _ in range(50):
        audio, state = synthesis(spectra, noise, state)
    spectrum = torch.fft.rfft(audio[0] * torch.hann_window(audio.shape[1])).abs()
    aside = torch.arange(len(spectrum)) - spectrum.argmax()
    assert spectrum[aside.abs() > 40].max() < 0.05 * spectrum.max()
