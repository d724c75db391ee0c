"""Decks as a listener hears them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.evaluate.heard.conftest import RATE_HZ
from training.evaluate.heard.player import Player

NOISE = (0.1 * np.random.default_rng(0).standard_normal((2, 3 * RATE_HZ))).astype(np.float32)


def test_at_rest_the_recording_is_heard_in_stereo_and_in_time(player: Player) -> None:
    deck = player.deck("noise", NOISE, RATE_HZ)
    heard = player.play({"a": deck}, {}, 2.0)
    wanted = NOISE[:, : 2 * RATE_HZ] * 10 ** (deck.gain_db / 20)
    later = slice(RATE_HZ, None)
    assert deck.name == "noise"
    assert heard.shape == wanted.shape
    # The mini bundle's floor is too low for all of the noise's level to be added.
    alike = np.corrcoef(heard[:, later], wanted[:, later])
    assert alike[0, 2] > 0.95
    assert alike[1, 3] > 0.95
    assert abs(alike[0, 3]) < 0.1


def test_controls_are_set_before_the_first_block(player: Player) -> None:
    deck = player.deck("noise", NOISE, RATE_HZ)
    alone = player.play({"a": deck}, {"/detail": 0.0}, 1.0)
    np.testing.assert_array_equal(alone[0], alone[1])


def test_playing_in_pieces_or_again_gives_the_same_bits(player: Player) -> None:
    deck = player.deck("noise", NOISE, RATE_HZ)
    whole = player.play({"a": deck}, {"/latent/0": 1.0}, 1.0)
    performance = player.begin({"a": deck}, {"/latent/0": 1.0})
    pieces = np.concatenate([performance.render(0.3), performance.render(0.7)], axis=1)
    np.testing.assert_array_equal(whole, pieces)


@pytest.mark.parametrize("seconds", [0.1, 1.0])
def test_a_turned_control_is_heard_from_then_on(player: Player, seconds: float) -> None:
    deck = player.deck("noise", NOISE, RATE_HZ)
    still, turned = (player.begin({"a": deck}, {}) for _ in range(2))
    del still
    turned.render(seconds)
    turned.turn({"/mute": 1.0})
    turned.render(0.3)
    assert not turned.render(0.2).any()
