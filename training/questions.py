"""Whose style, whose structure, and what it should sound like.

Every clip of a batch asks one question: the structure of this clip in the style of that one.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.processes import draw_for_items


@dataclass(frozen=True)
class Questions:
    """For each of the 2B clips of B pairs, the index of the clip that gives the style, and of the
    one that is the answer."""

    style_of: Tensor
    answer: Tensor


def ask(same_score: Tensor, share_of_scores: float, share_of_recordings: float) -> Questions:
    """Swap the styles of a share of the pairs, ``same_score`` (B,) bool.

    Where the two are one score by two instruments, the answer is the other rendering: notes from
    here, timbre from there. Where they are two excerpts of one recording, it is still the clip
    itself. Clips lie in pairs (0, 1), (2, 3), ...: the other of clip i is i with its last bit
    turned.
    """
    pairs = same_score.shape[0]
    clips = torch.arange(2 * pairs, device=same_score.device)
    share = torch.where(same_score, share_of_scores, share_of_recordings)
    chance = draw_for_items(lambda n: torch.rand(n, device=same_score.device), pairs)
    swapped, paired = (one.repeat_interleave(2) for one in (chance < share, same_score))
    style_of = torch.where(swapped, clips ^ 1, clips)
    return Questions(style_of, torch.where(paired, style_of, clips))


SWAP_SHARE_OF_SCORES = 0.8
SWAP_SHARE_OF_RECORDINGS = 0.5
"""Of the pairs of each kind, in stages 1 and 3: what one teaches the other must not unlearn."""
