"""Whose style, whose structure, and what it should sound like.

Every clip of a batch asks one question: the structure of this clip in the style of that recording.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.store.clip_pairs import PairBatch
from training.support.processes import draw_for_items


@dataclass(frozen=True)
class StyleSwaps:
    """For each of the 2B clips of B pairs, the index of the clip that is the answer, and of the
    one that gives the style among the 4B of ``with_elsewhere``."""

    answer: Tensor
    style_of: Tensor


def style_swap_targets(same_score: Tensor, swap_share: float, elsewhere_share: float) -> StyleSwaps:
    """Whose answer and whose style, for B pairs, ``same_score`` (B,) bool.

    Where the two are one score by two instruments, a share of them swap their answers: notes from
    here, timbre from there. All else asks for the clip itself. A share of all hears the answer's
    style elsewhere in its recording, since that is all a deck knows of it. Clips lie in pairs
    (0, 1), (2, 3), ...: the other of clip i is i with its last bit turned.
    """
    pairs, device = same_score.shape[0], same_score.device
    clips = torch.arange(2 * pairs, device=device)
    swaps, away = draw_for_items(lambda n: torch.rand(n, 2, device=device), pairs).unbind(1)
    swapped = ((swaps < swap_share) & same_score).repeat_interleave(2)
    elsewhere = (away < elsewhere_share).repeat_interleave(2)
    answer = torch.where(swapped, clips ^ 1, clips)
    return StyleSwaps(answer, answer + 2 * (answer // 2) + 2 * elsewhere)


def with_elsewhere(batch: PairBatch) -> Tensor:
    """Pair by pair its two clips, and behind them those from elsewhere: (4B, T)."""
    return torch.cat([batch.audio, batch.elsewhere], dim=1).flatten(0, 1)


def without_elsewhere(of_all: Tensor) -> Tensor:
    """What belongs to the clips themselves, (4B, ...) -> (2B, ...)."""
    return of_all.reshape(-1, 4, *of_all.shape[1:])[:, :2].flatten(0, 1)


SWAP_SHARE = 0.8
"""Of the pairs of one score, in stages 1 and 3: what one teaches the other must not unlearn."""

ELSEWHERE_SHARE = 0.5
"""Of all pairs."""
