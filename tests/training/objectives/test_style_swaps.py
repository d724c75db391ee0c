"""Style swaps: the clip that lends its style, and the excerpt it is taken from."""

from __future__ import annotations

import torch

from training.objectives.style_swaps import style_swap_targets, with_elsewhere, without_elsewhere
from training.store.clip_pairs import PairBatch

SCORE_AND_RECORDING = torch.tensor([True, False])

BATCH = PairBatch(
    audio=torch.tensor([[[0.0], [1.0]], [[2.0], [3.0]]]),
    same_score=SCORE_AND_RECORDING,
    elsewhere=torch.tensor([[[10.0], [11.0]], [[12.0], [13.0]]]),
)
"""Each clip holds its own number; its excerpt from elsewhere holds ten more."""


def styles_asked(swap_share: float, elsewhere_share: float) -> tuple[list[float], list[float]]:
    questions = style_swap_targets(SCORE_AND_RECORDING, swap_share, elsewhere_share)
    everything = with_elsewhere(BATCH)
    clips = without_elsewhere(everything)
    return clips[questions.answer, 0].tolist(), everything[questions.style_of, 0].tolist()


def test_without_swaps_each_clip_is_its_own_style_and_target() -> None:
    assert styles_asked(0.0, 0.0) == ([0, 1, 2, 3], [0, 1, 2, 3])


def test_swaps_exchange_renderings_of_a_score_but_not_excerpts_of_a_recording() -> None:
    assert styles_asked(1.0, 0.0) == ([1, 0, 2, 3], [1, 0, 2, 3])


def test_style_from_elsewhere_is_that_of_the_target() -> None:
    assert styles_asked(0.0, 1.0) == ([0, 1, 2, 3], [10, 11, 12, 13])
    assert styles_asked(1.0, 1.0) == ([1, 0, 2, 3], [11, 10, 12, 13])


def test_adding_and_removing_elsewhere_restores_the_clips() -> None:
    assert torch.equal(without_elsewhere(with_elsewhere(BATCH)), BATCH.audio.flatten(0, 1))


def test_shares_apply_to_whole_pairs() -> None:
    torch.manual_seed(0)
    questions = style_swap_targets(torch.tensor([True, False] * 2000), 0.8, 0.3)
    pairs = torch.arange(8000).view(-1, 2, 2)
    swapped = (questions.answer.view(-1, 2, 2) != pairs).float()
    elsewhere = (questions.style_of % 4 >= 2).view(-1, 2, 2).float()
    assert torch.equal(swapped[..., 0], swapped[..., 1])
    assert torch.equal(elsewhere[..., 0], elsewhere[..., 1])
    assert abs(float(swapped[:, 0].mean()) - 0.8) < 0.03
    assert not swapped[:, 1].any(), "an excerpt's answer is itself"
    assert (elsewhere.mean(dim=(0, 2)) - 0.3).abs().max() < 0.03
