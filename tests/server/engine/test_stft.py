"""Spectra of a recording, and back: the recording itself, across the loop's seam as well."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from server.engine.deck import FULL_SCALE
from server.engine.stft import OverlapAdd, SpectrumReader
from tests.server.engine.detail_rig import GRID, SPECTRUM_HOP, WINDOW, recording_of


@given(
    samples=st.integers(1, 6000),
    start=st.integers(-20_000, 20_000),
    cuts=st.lists(st.integers(1, 9), min_size=1, max_size=5),
)
def test_analysis_and_synthesis_give_the_recording_back(
    samples: int, start: int, cuts: list[int]
) -> None:
    recording = recording_of(np.random.default_rng(samples).uniform(-1, 1, (samples, 2)))
    spectra = 40
    centres = start + SPECTRUM_HOP * np.arange(spectra) + WINDOW // 2
    synthesis, parts, begun = OverlapAdd(GRID), [], 0
    while begun < spectra:
        size = cuts[len(parts) % len(cuts)]
        part = SpectrumReader(GRID).spectra(recording, centres[begun : begun + size])
        parts.append(synthesis.sound(part))
        begun += size
    sound = np.concatenate(parts, axis=1)
    places = (start + np.arange(spectra * SPECTRUM_HOP)) % samples
    whole = slice(WINDOW - SPECTRUM_HOP, None)
    wanted = recording.pcm[places].T / FULL_SCALE
    np.testing.assert_allclose(sound[:, whole], wanted[:, whole], atol=1e-6)


@given(centre=st.integers(0, 4999), left=st.booleans())
def test_a_pulse_in_the_middle_has_phase_zero_in_its_channel(centre: int, left: bool) -> None:
    sound = np.zeros((5000, 2))
    sound[centre, 1 - left] = 1
    (spectrum,) = SpectrumReader(GRID).spectra(recording_of(sound), np.array([centre]))
    np.testing.assert_allclose(spectrum[1 - left], 1, atol=1e-5)
    np.testing.assert_array_equal(spectrum[int(left)], 0)
