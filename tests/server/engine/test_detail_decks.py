"""Several decks with detail: each end is its recording, between them no hole; one that is still
being encoded plays as its recording."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from server.engine.deck import FULL_SCALE, DeckData
from tests.server.engine.detail_rig import (
    FRAMES,
    HOP,
    MANIFEST,
    DetailRig,
    deck,
    distance,
    level_db,
    music,
    original,
    recording_of,
    spectra_of,
    unencoded,
)
from tests.server.fakes import FakeSpectraSession

SETTLED = 60
NEAR = 1e-3


def quieter(seed: int, gain: float) -> DeckData:
    """A deck of music at ``gain``."""
    return deck(seed, recording=recording_of(gain * music(seed).pcm / FULL_SCALE))


def at(interp: float, *decks: DeckData, frames: int = FRAMES, **values: float) -> np.ndarray:
    """What decks play at a place of ``/interp``, with further values such as ``detail=0``."""
    rig = DetailRig(*decks)
    rig.set("/interp", interp)
    for name, value in values.items():
        rig.set("/" + name.replace("_", "/"), value)
    return rig.play(frames)


@pytest.mark.parametrize("interp", [0, 1])
def test_the_ends_of_interp_are_the_recordings(interp: int) -> None:
    decks = deck(1), deck(2)
    sound, wanted = at(interp, *decks), original(decks[interp], frames=FRAMES)
    assert distance(sound[:, SETTLED * HOP :], wanted[:, SETTLED * HOP :]) < NEAR


def test_the_level_goes_straight_from_one_recording_to_the_other() -> None:
    decks, frames = (deck(1), quieter(2, 0.5)), 4 * FRAMES
    places = np.linspace(0, 1, 9)
    levels = [level_db(at(place, *decks, frames=frames)[:, FRAMES * HOP :]) for place in places]
    assert levels[0] - levels[-1] == pytest.approx(6, abs=0.7)
    straight = np.interp(places, [0, 1], [levels[0], levels[-1]])
    np.testing.assert_allclose(levels, straight, atol=1.5)


def test_on_the_way_the_sound_leaves_one_recording_and_nears_the_other() -> None:
    decks = deck(1), deck(2)
    one, other = (original(end, frames=FRAMES)[:, SETTLED * HOP :] for end in decks)
    sounds = [at(place, *decks)[:, SETTLED * HOP :] for place in np.linspace(0, 1, 9)]
    assert (np.diff([distance(sound, one) for sound in sounds]) > 0).all()
    assert (np.diff([distance(sound, other) for sound in sounds]) < 0).all()


def test_without_detail_two_layers_are_one() -> None:
    """Beside a single layer of the same decoder there is no comb, only the level between decks."""
    with_recordings = deck(1), deck(2)
    latents_alone = [replace(one, recording=None, reference=None) for one in with_recordings]
    sound, wanted = (
        at(0.5, *decks, detail=0)[:, SETTLED * HOP :] for decks in (with_recordings, latents_alone)
    )
    np.testing.assert_array_equal(sound[0], sound[1])
    found, single = (np.abs(spectra_of(one[0])) for one in (sound, wanted))
    ratio = np.log(found[single > 1e-2] / single[single > 1e-2])
    assert np.percentile(np.abs(ratio - np.median(ratio)), 99) < 0.1
    assert np.corrcoef(sound[0], wanted[0])[0, 1] > 0.99


@pytest.mark.parametrize(
    "values", [{}, {"latent_0": 2.0}, {"detail": 0.0}, {"deck_a_detail": 0.3}, {"generate": 1.0}]
)
def test_a_deck_that_is_being_encoded_plays_as_its_recording(values: dict[str, float]) -> None:
    sound, wanted = at(0, unencoded(1), **values), original(deck(1), frames=FRAMES)
    assert distance(sound[:, SETTLED * HOP :], wanted[:, SETTLED * HOP :]) < NEAR


def test_beside_an_encoded_deck_it_is_its_recording_at_its_end() -> None:
    decks = deck(1), unencoded(2)
    for interp, end in enumerate((deck(1), deck(2))):
        sound, wanted = at(interp, *decks), original(end, frames=FRAMES)
        assert distance(sound[:, SETTLED * HOP :], wanted[:, SETTLED * HOP :]) < NEAR
    levels = [level_db(at(place, *decks)[:, SETTLED * HOP :]) for place in np.linspace(0, 1, 9)]
    # Its latents are not known, so no level is made up between the two.
    np.testing.assert_allclose(levels, np.interp(range(9), [0, 8], levels[::8]), atol=2)


@pytest.mark.parametrize("is_at_rest", [True, False])
def test_the_encoded_deck_takes_over_without_a_click_or_a_bump(is_at_rest: bool) -> None:
    encoded, waiting = deck(1), unencoded(1)
    rig, plain = DetailRig(waiting), DetailRig(encoded)
    for made in (rig, plain):
        if not is_at_rest:
            made.set("/latent/0", 1)
    before = rig.play(FRAMES)
    rig.engine.put_deck("a", encoded)
    sound = np.concatenate([before, rig.play(FRAMES)], axis=1)
    recording, after = original(encoded, frames=2 * FRAMES), plain.play(2 * FRAMES)
    fade = slice((FRAMES - 2) * HOP, (FRAMES + 8) * HOP)
    if is_at_rest:
        assert distance(sound[:, SETTLED * HOP :], recording[:, SETTLED * HOP :]) < NEAR
    steps = [np.abs(np.diff(one[:, fade])).max() for one in (sound, recording, after)]
    assert steps[0] < 1.5 * max(steps[1:])
    for start in range(fade.start, fade.stop, HOP):
        part = slice(start, start + 2 * HOP)
        levels = [level_db(one[:, part]) for one in (sound, recording, after)]
        assert min(levels[1:]) - 1.5 < levels[0] < max(levels[1:]) + 1.5


def test_a_deck_without_a_recording_plays_its_latents_beside_one_with_detail() -> None:
    plain = replace(deck(2), recording=None, reference=None, mean_spectrum=None)
    session = FakeSpectraSession(MANIFEST)
    rig = DetailRig(deck(1), plain, session=session)
    rig.set("/interp", 1)
    alone = DetailRig(plain)
    sound, wanted = (made.play(FRAMES)[:, SETTLED * HOP :] for made in (rig, alone))
    np.testing.assert_allclose(sound, wanted, atol=1e-5)
