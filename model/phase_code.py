"""Position in a clip as sines and cosines, for a model without structure."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from model.config import PHASE_CODE_DIMS


def phase_code(ticks: int) -> Tensor:
    """(S, K): sin and cos of 1, 2, 4, ... turns over the clip, so that the code loops with it."""
    position = torch.arange(ticks, dtype=torch.float64) / ticks
    turns = 2.0 ** torch.arange(PHASE_CODE_DIMS // 2, dtype=torch.float64)
    angle = 2 * math.pi * turns[:, None] * position[None, :]
    return torch.cat([torch.sin(angle), torch.cos(angle)]).float()
