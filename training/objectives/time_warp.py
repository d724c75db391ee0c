"""Time warps: structure read held, slow, fast or backwards, with the target warped alike.

They prepare the decoder for the playhead: a frozen chord keeps its level, and a loop played
backwards stays music.
"""

from __future__ import annotations

import torch
from torch import Tensor

FASTEST = 2.0
"""Largest speed in training, in frames of structure per frame; the playhead's own limit is 4."""


def warped_positions(clips: int, frames: int, share: float, device: torch.device) -> Tensor:
    """Draw where each frame reads, (B, N) in frames; ``share`` of the clips do not read straight.

    Those change speed once, at a random frame. Each of their two speeds is 0 (held) or anything
    from backwards to forwards at up to ``FASTEST``. At an end of the clip they turn round, as if it
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
    """Read ``x`` (B, ..., N) at fractional ``positions`` (B, N), linear between frames."""
    left = positions.floor().clamp(0, x.shape[-1] - 1)
    right = (left + 1).clamp(max=x.shape[-1] - 1)
    weight = _along_last(positions - left, x).to(x.dtype)
    lower, upper = (torch.gather(x, -1, _along_last(at.long(), x)) for at in (left, right))
    return lower + (upper - lower) * weight


def _along_last(values: Tensor, x: Tensor) -> Tensor:
    """Stretch (B, N) to the shape of ``x`` (B, ..., N)."""
    return values.view(values.shape[0], *[1] * (x.dim() - 2), -1).expand_as(x)


HELD_SHARE = 0.3
"""Probability that a stretch of a warped clip is held."""
