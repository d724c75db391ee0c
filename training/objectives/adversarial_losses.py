"""Least-squares adversarial losses (LSGAN, arXiv 1611.04076) and feature matching."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from training.objectives.discriminators import Judgement
from training.support.processes import mean_over_processes


def discriminator_loss(real: Sequence[Judgement], decoded: Sequence[Judgement]) -> Tensor:
    """Real sound should score 1 and decoded sound 0; mean over the discriminators."""
    losses = [
        (1 - true.score).square().mean() + false.score.square().mean()
        for true, false in zip(real, decoded, strict=True)
    ]
    return torch.stack(losses).mean()


def adversarial_loss(decoded: Sequence[Judgement]) -> Tensor:
    """Decoded sound should score 1; mean over the discriminators."""
    return torch.stack([(1 - false.score).square().mean() for false in decoded]).mean()


def feature_matching_loss(real: Sequence[Judgement], decoded: Sequence[Judgement]) -> Tensor:
    """Distance of the discriminators' layers between decoded and real sound.

    Mean over layers of mean |a - b| / mean |a| (arXiv 1910.06711, normalised as in EnCodec,
    arXiv 2210.13438, so that no layer outweighs the others).
    """
    layers = [
        (a.detach(), b)
        for true, false in zip(real, decoded, strict=True)
        for a, b in zip(true.features, false.features, strict=True)
    ]
    distances = torch.stack([(a - b).abs().mean() for a, b in layers])
    # Over all processes: the mean of each one's quotients is not the quotient of the whole batch.
    levels = mean_over_processes(torch.stack([a.abs().mean() for a, _ in layers]))
    return (distances / levels.clamp(min=1e-6)).mean()
