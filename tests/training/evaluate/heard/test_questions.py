"""The questions' figures on sounds and paths with known answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from export.bundle.format import Dimension
from tests import mini_bundle
from tests.training.made_up_store import RATE_HZ, notes
from training.evaluate.heard.interpolation import level_off_db, middle_figures, path_figures
from training.evaluate.heard.knobs import knobs_of, least_kept
from training.evaluate.heard.listening import Listening
from training.evaluate.heard.rest import griffin_lim
from training.evaluate.heard.style import without_construction
from training.evaluate.heard.time import frozen_figures, loop_figures, unrest_db
from training.measures.metrics import chroma_correlation, spectral_distance
from training.measures.references import coloured_noise

A, B = notes(1, 2.0, 0.2), notes(2, 2.0, 0.95)


def test_a_crossfade_goes_from_one_end_to_the_other() -> None:
    path = [np.float32(np.cos(x) * A + np.sin(x) * B) for x in np.linspace(0, np.pi / 2, 9)]
    found = path_figures(path, A, B, RATE_HZ)
    assert found["share_at_0"] == 0
    assert found["share_at_1"] == pytest.approx(1, abs=1e-6)
    assert found["is_monotone"] == 1


def test_a_jump_is_one_step_of_the_whole_way() -> None:
    found = path_figures([A] * 5 + [B] * 4, A, B, RATE_HZ)
    assert found["largest_step"] == 1
    assert found["is_monotone"] == 0


def test_a_hole_in_level_is_off_the_line() -> None:
    assert level_off_db([-20, -21, -22]) == pytest.approx(0)
    assert level_off_db([-20, -26, -22]) == pytest.approx(5)


def test_the_middle_is_compared_with_a_crossfade_of_equal_power() -> None:
    truths = (np.stack([A, 0 * A]), np.stack([B, 0 * B]))
    crossfade = np.float32(np.sqrt(0.5)) * (truths[0] + truths[1])
    found = middle_figures(crossfade, truths[0], truths, RATE_HZ)
    assert found["to_crossfade_db"] == pytest.approx(0, abs=1e-3)
    assert found["nearer_to_latents_db"] < -1
    assert found["width_db"] > -3
    flat = middle_figures(np.stack([A, A]), truths[0], (np.stack([A, A]), truths[1]), RATE_HZ)
    assert np.isnan(flat["width_db"])


def test_griffin_lim_is_nearer_than_noise() -> None:
    made = griffin_lim(A, RATE_HZ, 0)
    noise = coloured_noise(A, 0)
    assert made.shape == A.shape
    assert spectral_distance(A, made, 1e-3) < 0.8 * spectral_distance(A, noise, 1e-3)
    assert chroma_correlation(A, made, RATE_HZ) > 0.9


def test_knobs_are_the_named_dimensions_or_those_that_were_taught() -> None:
    bundle = mini_bundle.spectra_bundle()
    assert [(knob.address, knob.word) for knob in knobs_of(bundle)] == [("/latent/0", "brightness")]
    nameless = replace(bundle, dimensions=tuple(Dimension(n) for n in range(4)))
    # The mini bundle's axes are the style dimensions in reverse.
    assert [(knob.index, knob.word, knob.is_named) for knob in knobs_of(nameless)] == [
        (3, "brightness", False),
        (2, "loudness", False),
        (1, "noisiness", False),
        (0, "bandwidth", False),
    ]
    assert least_kept("noisiness") < least_kept("brightness")


def test_construction_is_switched_off_on_the_deck(listening: Listening) -> None:
    record = listening.records(1)[0]
    assert record.deck.mean_spectrum is not None
    bare = without_construction(record)
    assert bare.deck.mean_spectrum is None
    assert bare.deck.reference is record.deck.reference


def test_unrest_is_the_spread_of_levels() -> None:
    steady = np.full(1000, 0.1, np.float32)
    assert unrest_db(steady, 100) == pytest.approx(0, abs=1e-4)
    assert unrest_db(np.concatenate([steady, 0.1 * steady]), 100) == pytest.approx(10, abs=1e-3)


def test_a_frozen_deck_stays_and_a_loop_comes_again(listening: Listening) -> None:
    record = listening.records(1)[0]
    frozen = frozen_figures(listening, record)
    assert abs(frozen["frozen_drift_db"]) < 1
    assert frozen["buzz_over_db"] == pytest.approx(frozen["buzz_db"] - frozen["record_buzz_db"])
    looped = loop_figures(listening, record)
    assert looped["loop_distance"] < 0.05
    assert looped["loop_error_db"] < -30


def test_pairs_are_neighbours_in_a_circle(listening: Listening) -> None:
    listening = Listening(replace(listening.context, clips=4), listening.player)
    names = [record.name for record in listening.records(4)]
    pairs: list[Any] = listening.pairs(4, 3)
    assert [(a.name, b.name) for a, b in pairs] == [
        (names[n], names[(n + 3) % 4]) for n in range(4)
    ]
    assert all(a is not b for a, b in listening.pairs(4, 4))
