"""Contrast: each gain does what its name says, and blocks equal the whole."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from model.config import TAUGHT_KNOBS
from model.contrast import FALL, INITIAL_GAINS, LEAST_GAIN, MOST_GAIN, RISE, TONE, WINDOWS, Contrast
from model.features import NEPERS_PER_UNIT

BINS = 20


def note(frames: int = 40) -> Tensor:
    """One tone over silence, struck at frame 15 and damped at frame 30, (1, 3, M, N)."""
    image = torch.full((1, WINDOWS, BINS, frames), -1.0)
    image[:, :, 9, 15:30] = 0.2
    return image


def contrast(kind: int, gain: float) -> Contrast:
    """A layer with one style dimension, which at 1 is a ``gain`` of one kind."""
    layer = Contrast("contrast", 1, BINS)
    weight = layer.gains.weight.detach().zero_().view(len(MOST_GAIN), WINDOWS, BINS, 1, 1)
    limit = torch.tensor(MOST_GAIN[kind] if gain > 0 else -LEAST_GAIN)
    weight[kind] = limit * torch.atanh(gain / limit)
    return layer


@torch.no_grad()
def played(layer: Contrast, image: Tensor) -> Tensor:
    style = torch.ones(1, 1, image.shape[3])
    changed: Tensor = layer(image, style, layer.initial_state(1))[0]
    return changed


def test_untrained_only_the_knobs_it_is_made_for_do_something() -> None:
    image = note()
    layer = Contrast("contrast", 9, BINS)
    for dimension in range(9):
        style = torch.zeros(1, 9, image.shape[3])
        style[:, dimension] = 1
        changed = (layer(image, style, layer.initial_state(1))[0] - image).abs().max()
        made_for = dimension < len(TAUGHT_KNOBS) and TAUGHT_KNOBS[dimension] in INITIAL_GAINS
        assert changed > 0.3 if made_for else changed < 0.1


def test_it_levels_a_tone_to_its_neighbours_or_lifts_it_above_them() -> None:
    above = [
        float(image[0, 0, 9, 20] - image[0, 0, 6:13, 20].mean())
        for image in (played(contrast(TONE, gain), note()) for gain in (-0.9, 0.0, 0.3))
    ]
    assert above[0] < 0.2 * above[1] < above[1] < above[2]


@pytest.mark.parametrize("gain", [-0.9, 0.3])
def test_a_purer_tone_is_as_loud(gain: float) -> None:
    def level(image: Tensor) -> Tensor:
        return torch.logsumexp(image * NEPERS_PER_UNIT, dim=2)

    torch.testing.assert_close(level(played(contrast(TONE, gain), note())), level(note()))


def test_a_rise_becomes_softer_or_harder_and_nothing_else_changes() -> None:
    true = note()[0, 0, 9]
    soft, hard = (played(contrast(RISE, gain), note())[0, 0, 9] for gain in (-0.9, 0.9))
    assert soft.diff().max() < 0.5 * true.diff().max() < 0.75 * hard.diff().max()
    assert torch.equal(soft[:15], true[:15]) and torch.allclose(soft[23:], true[23:], atol=1e-6)


def test_a_fall_is_held_or_damped() -> None:
    true = note()[0, 0, 9]
    held, damped = (played(contrast(FALL, gain), note())[0, 0, 9] for gain in (-0.9, 0.9))
    assert held[31] > true[31] > damped[31]
    assert torch.equal(held[:30], true[:30])


def test_gains_have_an_end() -> None:
    image = note()
    layer = contrast(RISE, 0.9999 * MOST_GAIN[RISE])
    torch.testing.assert_close(
        played(layer, image)[0, 0, 9, 15],
        torch.tensor(0.2 + MOST_GAIN[RISE] * 1.2),
        atol=1e-2,
        rtol=0,
    )


@pytest.mark.parametrize("kind", MOST_GAIN)
def test_silence_stays_silent(kind: int) -> None:
    silence = torch.full((1, WINDOWS, BINS, 30), -1.0)
    assert torch.allclose(played(contrast(kind, 0.39), silence), silence, atol=1e-6)


@torch.no_grad()
def test_blocks_are_what_the_whole_is() -> None:
    torch.manual_seed(0)
    layer = Contrast("contrast", 4, BINS)
    torch.nn.init.normal_(layer.gains.weight)
    image, style = torch.rand(2, WINDOWS, BINS, 30) - 1, torch.randn(2, 4, 30)
    state, parts = layer.initial_state(2), []
    for block in (slice(0, 1), slice(1, 3), slice(3, 10), slice(10, 30)):
        part, state = layer(image[..., block], style[..., block], state)
        parts.append(part)
    whole = layer(image, style, layer.initial_state(2))[0]
    torch.testing.assert_close(torch.cat(parts, dim=3), whole, atol=1e-6, rtol=0)
