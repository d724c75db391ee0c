"""Which clip gives the style, from where in its recording, and which is the target."""

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
"""Each clip holds its number; its elsewhere holds ten more."""


def targets_and_styles(
    swap_share: float, elsewhere_share: float
) -> tuple[list[float], list[float]]:
    swaps = style_swap_targets(SCORE_AND_RECORDING, swap_share, elsewhere_share)
    everything = with_elsewhere(BATCH)
    clips = without_elsewhere(everything)
    return clips[swaps.target, 0].tolist(), everything[swaps.style_of, 0].tolist()


def test_unswapped_each_clip_has_its_own_style_and_is_its_own_target() -> None:
    assert targets_and_styles(0.0, 0.0) == ([0, 1, 2, 3], [0, 1, 2, 3])


def test_swapped_a_score_s_target_and_style_are_the_other_s_a_recording_s_its_own() -> None:
    assert targets_and_styles(1.0, 0.0) == ([1, 0, 2, 3], [1, 0, 2, 3])


def test_style_from_elsewhere_is_the_target_s() -> None:
    assert targets_and_styles(0.0, 1.0) == ([0, 1, 2, 3], [10, 11, 12, 13])
    assert targets_and_styles(1.0, 1.0) == ([1, 0, 2, 3], [11, 10, 12, 13])


def test_adding_and_removing_elsewhere_restores_the_clips() -> None:
    assert torch.equal(without_elsewhere(with_elsewhere(BATCH)), BATCH.audio.flatten(0, 1))


def test_shares_apply_to_whole_pairs() -> None:
    torch.manual_seed(0)
    swaps = style_swap_targets(torch.tensor([True, False] * 2000), 0.8, 0.3)
    pairs = torch.arange(8000).view(-1, 2, 2)
    swapped = (swaps.target.view(-1, 2, 2) != pairs).float()
    elsewhere = (swaps.style_of % 4 >= 2).view(-1, 2, 2).float()
    assert torch.equal(swapped[..., 0], swapped[..., 1])
    assert torch.equal(elsewhere[..., 0], elsewhere[..., 1])
    assert abs(float(swapped[:, 0].mean()) - 0.8) < 0.03
    assert not swapped[:, 1].any(), "an excerpt's target is itself"
    assert (elsewhere.mean(dim=(0, 2)) - 0.3).abs().max() < 0.03
