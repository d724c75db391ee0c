"""Least-squares adversarial losses (LSGAN, arXiv 1611.04076) and feature matching."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from training.discriminators import Judgement


def discriminator_loss(real: Sequence[Judgement], made: Sequence[Judgement]) -> Tensor:
    """Real sound should score 1 and decoded sound 0; mean over the listeners."""
    losses = [
        (1 - true.score).square().mean() + mine.score.square().mean()
        for true, mine in zip(real, made, strict=True)
    ]
    return torch.stack(losses).mean()


def adversarial_loss(made: Sequence[Judgement]) -> Tensor:
    """Decoded sound should score 1; mean over the listeners."""
    return torch.stack([(1 - mine.score).square().mean() for mine in made]).mean()


def feature_matching_loss(real: Sequence[Judgement], made: Sequence[Judgement]) -> Tensor:
    """How differently the listeners' layers see the two, relative to what they see in real sound.

    Mean over layers of mean |a - b| / mean |a| (arXiv 1910.06711, normalised as in EnCodec,
    arXiv 2210.13438, so that no layer outweighs the others).
    """
    distances = [
        (a.detach() - b).abs().mean() / a.detach().abs().mean().clamp(min=1e-6)
        for true, mine in zip(real, made, strict=True)
        for a, b in zip(true.features, mine.features, strict=True)
    ]
    return torch.stack(distances).mean()
