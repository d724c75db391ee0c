"""Knobs that are taught: style offset and target coloured by the same amount."""

from __future__ import annotations

import torch
from torch import Tensor

from model.config import PRESETS
from training.objectives.colouring import COLOURS
from training.objectives.taught_knobs import (
    MAIN_COLOUR_SHARES,
    REACH,
    TaughtKnobs,
    draw_amounts,
    offsets_of,
)

CONFIG = PRESETS["tiny"]


def targets(clips: int) -> Tensor:
    torch.manual_seed(0)
    return torch.rand(clips, 3, CONFIG.features.mel_bins, 24) * 0.8 - 0.6


def test_a_target_is_coloured_by_as_much_as_style_moves() -> None:
    knobs, image = TaughtKnobs(CONFIG, share=1.0), targets(5)
    turned = knobs(image)
    amounts = turned.offset[:, : len(COLOURS)]
    torch.testing.assert_close(turned.target, knobs.colouring(image, amounts))
    assert turned.turned.all()
    assert (turned.target - image).abs().flatten(1).amax(dim=1).min() > 0.01


def test_a_knob_that_is_not_turned_changes_nothing() -> None:
    image = targets(5)
    turned = TaughtKnobs(CONFIG, share=0.0)(image)
    assert torch.equal(turned.target, image)
    assert not turned.offset.any() and not turned.turned.any()


def test_only_the_given_share_is_turned() -> None:
    torch.manual_seed(1)
    turned = TaughtKnobs(CONFIG, share=0.3)(torch.zeros(2000, 3, CONFIG.features.mel_bins, 2))
    assert abs(float(turned.turned.float().mean()) - 0.3) < 0.05
    assert torch.equal(turned.turned, turned.offset.any(dim=1))


def test_most_clips_have_one_colour_and_each_has_its_frequency() -> None:
    torch.manual_seed(2)
    there = draw_amounts(4000, torch.device("cpu"))
    assert there.abs().max() <= REACH
    count = (there != 0).sum(dim=1)
    assert count.min() == 1 and (count > 2).any()
    wanted = torch.tensor([MAIN_COLOUR_SHARES[name] for name in COLOURS])
    alone = (there[count == 1] != 0).float().mean(dim=0)
    assert (alone - wanted).abs().max() < 0.05


def test_each_colour_has_a_dimension_while_there_are_enough() -> None:
    amounts = torch.eye(len(COLOURS))
    assert torch.equal(offsets_of(amounts, 9)[:, : len(COLOURS)], amounts)
    assert not offsets_of(amounts, 9)[:, len(COLOURS) :].any()
    assert torch.equal(offsets_of(amounts, 4), amounts[:, :4])
