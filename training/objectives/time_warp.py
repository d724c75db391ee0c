"""Time as the playhead reads it: held, slow, fast, backwards, with the answer warped alike.

Stage 1 shows the decoder structure at other speeds than one, so that a frozen chord goes on at its
level and a loop played backwards stays music.
"""

from __future__ import annotations

import torch
from torch import Tensor

FASTEST = 2.0
"""Largest speed in training, in frames of structure a frame; the playhead's own limit is 4."""


def warped_positions(clips: int, frames: int, share: float, device: torch.device) -> Tensor:
    """Where each frame reads, (B, N) in frames: 0, 1, 2, ... but for a ``share`` of the clips.

    Those change their speed once, at a random frame, between two of: held, and anything from
    backwards to forwards at up to ``FASTEST``. At an end of the clip they turn round, as if it
    were mirrored there.
    """
    straight = torch.arange(frames, device=device).float().expand(clips, -1)
    speeds = (2 * torch.rand(clips, 2, device=device) - 1) * FASTEST
    speeds = torch.where(torch.rand(clips, 2, device=device) < HELD_SHARE, 0.0, speeds)
    change = torch.rand(clips, 1, device=device) * frames
    speed = torch.where(straight < change, speeds[:, :1], speeds[:, 1:])
    start = torch.rand(clips, 1, device=device) * (frames - 1)
    wandering = start + torch.cumsum(speed, dim=1) - speed
    last = float(frames - 1)
    mirrored = last - (wandering.remainder(2 * last) - last).abs()
    chosen = torch.rand(clips, 1, device=device) < share
    return torch.where(chosen, mirrored, straight)


def read_at(x: Tensor, positions: Tensor) -> Tensor:
    """Columns of ``x`` at fractional ``positions`` (B, N), linear between frames.

    (B, ..., N) -> the same shape.
    """
    before = positions.floor().clamp(0, x.shape[-1] - 1)
    after = (before + 1).clamp(max=x.shape[-1] - 1)
    weight = _along_last(positions - before, x).to(x.dtype)
    lower, upper = (torch.gather(x, -1, _along_last(at.long(), x)) for at in (before, after))
    return lower + (upper - lower) * weight


def _along_last(values: Tensor, x: Tensor) -> Tensor:
    """(B, N) stretched to the shape of ``x`` (B, ..., N)."""
    return values.view(values.shape[0], *[1] * (x.dim() - 2), -1).expand_as(x)


HELD_SHARE = 0.3
"""How often a stretch of a warped clip stands still."""
