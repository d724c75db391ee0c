"""The mean spectrum of a style: what the decoder leaves of it is added, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from export.audio.arrays import Floats
from server.engine.deck import DeckData, Recording
from server.engine.layer import Layer
from server.engine.style_spectrum import MOST_ADDED, HeardChange, StyleSpectrum
from tests.server.engine.detail_rig import (
    FRAMES,
    GRID,
    HOP,
    MANIFEST,
    RATE,
    DetailRig,
    deck,
    mean_spectrum,
    music,
    recording_of,
)
from tests.server.fakes import FakeSpectraSession


def coloured(seed: int, slope: float) -> Recording:
    """Music with every octave quieter by a slope."""
    sound = music(seed).pcm / 32767
    spectrum = np.fft.rfft(sound, axis=0)
    gains = (np.arange(1, len(spectrum) + 1) / 1000.0) ** slope
    filtered = np.fft.irfft(spectrum * gains[:, None], len(sound), axis=0)
    return recording_of(0.1 * filtered / filtered.std())


def pair(session: FakeSpectraSession) -> tuple[DeckData, DeckData]:
    """A dull deck and a bright one."""
    return deck(1, session, coloured(1, -0.3)), deck(2, session, coloured(2, 0.1))


def spectrum_of(sound: np.ndarray) -> Floats:
    return mean_spectrum(recording_of(sound.T))


def share_of_the_way(sound: np.ndarray, start: np.ndarray, decks: Sequence[DeckData]) -> float:
    """How far a sound's mean spectrum has moved along the way between two recordings, 0..1."""
    one, other = (deck_.mean_spectrum for deck_ in decks)
    assert one is not None and other is not None
    way = other - one
    return float((spectrum_of(sound) - spectrum_of(start)) @ way / (way @ way))


@pytest.mark.parametrize("detail", [0.0, 1.0])
@pytest.mark.parametrize("is_moved", [True, False])
def test_the_mean_spectrum_arrives_whatever_the_decoder_does(is_moved: bool, detail: float) -> None:
    session = FakeSpectraSession(MANIFEST, is_moved)
    decks = pair(session)
    sounds = []
    for style in (0, 0.5, 1):
        rig = DetailRig(*decks, session=session)
        rig.set("/detail", detail)
        rig.set("/interp/style", style)
        sounds.append(rig.play(4 * FRAMES)[:, 3 * FRAMES * HOP :])
    start, halfway, moved = sounds
    # A decoder that moves fills the valleys between pure tones, which no recording has so deep.
    least = 0.65 if is_moved and detail else 0.8
    assert least < share_of_the_way(moved, start, decks) < 1.3
    assert least / 3 < share_of_the_way(halfway, start, decks) < 0.65


def test_a_knob_is_not_taken_back() -> None:
    session = FakeSpectraSession(MANIFEST)
    rig, still = (DetailRig(*pair(session), session=session) for _ in range(2))
    for made in (rig, still):
        made.set("/interp/style", 0.5)
        made.play(2 * FRAMES)
    rig.set("/latent/2", 2)
    effects = []
    for _ in range(4):
        turned, plain = rig.play(FRAMES), still.play(FRAMES)
        effects.append(spectrum_of(turned) - spectrum_of(plain))
    strength = float(effects[0] @ effects[0])
    assert np.sqrt(strength / GRID.bins) > 0.1
    assert float(effects[3] @ effects[0]) > 0.9 * strength


def test_nothing_is_added_where_style_and_structure_are_at_one_place() -> None:
    session = FakeSpectraSession(MANIFEST)
    decks = pair(session)
    bare = [replace(one, mean_spectrum=None) for one in decks]
    sounds = []
    for loaded in (decks, bare):
        rig = DetailRig(*loaded, session=session)
        rig.set("/interp", 0.3)
        sounds.append(rig.play(FRAMES))
    np.testing.assert_array_equal(*sounds)


def test_what_is_added_is_bounded_and_needs_all_mean_spectra() -> None:
    session = FakeSpectraSession(MANIFEST)
    one, other = pair(session)
    assert one.mean_spectrum is not None and other.mean_spectrum is not None
    other = replace(other, mean_spectrum=other.mean_spectrum + 100)
    spectra = 4 * GRID.per_frame
    still = HeardChange(np.zeros((spectra, GRID.bins), np.float32), np.ones(spectra, np.float32))

    def added(style: float, *decks: DeckData) -> Floats | None:
        layers = [
            layer(deck_, structure, share)
            for deck_, structure, share in zip(decks, (1.0, 0.0), (1 - style, style), strict=True)
        ]
        return StyleSpectrum(GRID, RATE).added(still, layers, False)

    moved = added(1.0, one, other)
    assert moved is not None and moved.max() == MOST_ADDED
    assert added(0.0, one, other) is None
    assert added(1.0, one, replace(other, mean_spectrum=None)) is None


def layer(one: DeckData, structure: float, style: float) -> Layer:
    """A layer of four frames with these shares."""
    ones = np.ones(4, np.float32)
    return Layer(
        one, structure * ones, style * ones, np.arange(4.0), ones, ones, np.zeros(4, np.bool_)
    )
