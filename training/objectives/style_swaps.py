"""Style swaps: whose style the decoder gets with a clip's structure, and the target image."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.store.clip_pairs import PairBatch
from training.support.processes import draw_for_items


@dataclass(frozen=True)
class StyleSwaps:
    """For each of the 2B clips of B pairs: the index of the clip that is its target, and the index
    of the one that gives the style, among the 4B of ``with_elsewhere``."""

    target: Tensor
    style_of: Tensor


def style_swap_targets(same_score: Tensor, swap_share: float, elsewhere_share: float) -> StyleSwaps:
    """Draw targets and styles for B pairs, ``same_score`` (B,) bool.

    Of the pairs that are one score played by two instruments, ``swap_share`` swap their targets:
    notes from this clip, timbre from the other. Every other clip is its own target. In
    ``elsewhere_share`` of all pairs, the style comes from elsewhere in the target's recording,
    since that is all a deck knows of it. Clips are in pairs (0, 1), (2, 3), ...: the other of
    clip i is i with its last bit flipped.
    """
    pairs, device = same_score.shape[0], same_score.device
    clips = torch.arange(2 * pairs, device=device)
    swaps, away = draw_for_items(lambda n: torch.rand(n, 2, device=device), pairs).unbind(1)
    swapped = ((swaps < swap_share) & same_score).repeat_interleave(2)
    elsewhere = (away < elsewhere_share).repeat_interleave(2)
    target = torch.where(swapped, clips ^ 1, clips)
    return StyleSwaps(target, target + 2 * (target // 2) + 2 * elsewhere)


def with_elsewhere(batch: PairBatch) -> Tensor:
    """The two clips of each pair, followed by the two from elsewhere: (4B, T)."""
    return torch.cat([batch.audio, batch.elsewhere], dim=1).flatten(0, 1)


def without_elsewhere(of_all: Tensor) -> Tensor:
    """The rows of the clips themselves, (4B, ...) -> (2B, ...)."""
    return of_all.reshape(-1, 4, *of_all.shape[1:])[:, :2].flatten(0, 1)


SWAP_SHARE = 0.8
"""Of the pairs of one score, in stages 1 and 3 alike: stage 3 must not unlearn swaps."""

ELSEWHERE_SHARE = 0.5
"""Of all pairs."""
