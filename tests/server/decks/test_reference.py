"""The decoder's own log magnitudes of a deck, and a recording's mean spectrum."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from export.audio.errors import AudioError
from server.decks import reference
from server.decks.mean_spectrum import mean_spectrum
from server.decks.reference import ReferenceDecoder
from server.engine.deck import Recording
from tests import spectral_bundle
from tests.mini_bundle import HOP, SPECTRA, STRUCTURE_DIMS, TICK_FRAMES
from tests.server.fakes import fake_deck

TICKS = 150
MANIFEST = spectral_bundle.manifest()


@pytest.fixture(scope="module")
def decoder() -> ReferenceDecoder:
    return ReferenceDecoder(MANIFEST, spectral_bundle.decoder_onnx())


def levels() -> np.ndarray:
    """A structure (S, K) whose level is another one at each tick."""
    level = np.random.default_rng(5).uniform(0, 1, TICKS).astype(np.float32)
    return np.repeat(level[None], STRUCTURE_DIMS, axis=0)


def expected(level: np.ndarray, style: float) -> np.ndarray:
    """What the graph says (L, F), by the formula, with the loop's end before its beginning."""
    frames = np.arange(TICKS * TICK_FRAMES) - 1
    ticks = (frames + 0.5) / TICK_FRAMES - 0.5
    before = np.interp(ticks, np.arange(-1, TICKS + 1), np.r_[level[-1], level, level[0]])
    of_frames = style + before[:, None] * np.arange(spectral_bundle.BINS) / 10
    of_spectra = of_frames[:, None] + np.arange(SPECTRA)[:, None] / 2
    return of_spectra.reshape(-1, spectral_bundle.BINS)


def test_the_reference_is_the_decoders_output_as_in_endless_looping(
    decoder: ReferenceDecoder,
) -> None:
    deck = replace(fake_deck("x", 0.5, ticks=TICKS), structure=levels())
    found = decoder.log_magnitudes(deck)
    assert found.dtype == np.float16
    assert found.shape == (TICKS * TICK_FRAMES * SPECTRA, spectral_bundle.BINS)
    style = float(deck.style_mean.mean())
    np.testing.assert_allclose(found, expected(levels()[0], style), atol=5e-3)


@pytest.mark.parametrize("block", [1, 7, 100])
def test_the_size_of_the_calls_does_not_matter(
    decoder: ReferenceDecoder, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    deck = replace(fake_deck("x", 0.5, ticks=TICKS), structure=levels())
    whole = decoder.log_magnitudes(deck)
    monkeypatch.setattr(reference, "BLOCK_FRAMES", block)
    np.testing.assert_array_equal(decoder.log_magnitudes(deck), whole)


def test_the_reference_may_be_kept_in_a_file(decoder: ReferenceDecoder, tmp_path: Path) -> None:
    deck = fake_deck("x", 0.5, ticks=20)
    kept = decoder.log_magnitudes(deck, tmp_path / "reference")
    again = np.memmap(tmp_path / "reference", np.float16, mode="r", shape=kept.shape)
    np.testing.assert_array_equal(again, kept)


def test_a_decoder_that_gives_nan_is_refused(decoder: ReferenceDecoder) -> None:
    deck = fake_deck("broken", np.nan, ticks=20)
    with pytest.raises(AudioError, match="broken: the decoder gave NaN"):
        decoder.log_magnitudes(deck)


def noise(level: float, samples: int = 400 * HOP) -> np.ndarray:
    return level * np.random.default_rng(3).standard_normal(samples).clip(-4, 4)


def recording(*parts: np.ndarray, mid: tuple[float, float] = (0.5, 0.5)) -> Recording:
    left = np.round(np.concatenate(parts) * 32767).astype(np.int16)
    return Recording(np.stack([left, np.zeros_like(left)], axis=1), mid)


def test_the_mean_spectrum_is_that_of_the_louder_part() -> None:
    quiet = np.repeat(noise(0.01, 200 * HOP), 2)  # 26 dB below, and of another colour
    mixed = mean_spectrum(recording(noise(0.2), quiet, mid=(1.0, 0.0)), MANIFEST)
    alone = mean_spectrum(recording(noise(0.2), mid=(1.0, 0.0)), MANIFEST)
    np.testing.assert_allclose(mixed, alone, atol=0.1)
    both = mean_spectrum(recording(noise(0.2), 0.2 * quiet / 0.01, mid=(1.0, 0.0)), MANIFEST)
    assert np.abs(both - alone).max() > 0.25


def test_the_mean_spectrum_of_noise_is_flat_and_at_its_level() -> None:
    found = mean_spectrum(recording(noise(0.2), mid=(1.0, 0.0)), MANIFEST)
    assert found.shape == (spectral_bundle.BINS,)
    # Power is distributed exponentially; a Hann window has 3/8 of the energy of none.
    power = 0.2**2 * spectral_bundle.WINDOW * 3 / 8
    np.testing.assert_allclose(found[4:-4], (np.log(power) - np.euler_gamma) / 2, atol=0.1)


def test_the_mean_spectrum_is_that_of_the_mid() -> None:
    left = mean_spectrum(recording(noise(0.2), mid=(1.0, 0.0)), MANIFEST)
    mean = mean_spectrum(recording(noise(0.2), mid=(0.5, 0.5)), MANIFEST)
    np.testing.assert_allclose(left - mean, np.log(2), atol=1e-4)


def test_silence_and_a_recording_shorter_than_a_window_have_a_mean_spectrum() -> None:
    short = mean_spectrum(recording(noise(0.2, HOP + 32)), MANIFEST)
    assert np.isfinite(short).all()
    silence = mean_spectrum(recording(np.zeros(100 * HOP)), MANIFEST)
    np.testing.assert_allclose(silence, np.log(1e-5), atol=1e-4)
