"""What a run tells while it runs: TensorBoard scalars, spectrogram pictures, a progress line."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter


class RunLog:
    """TensorBoard scalars every few steps, smoothed; pictures with each checkpoint."""

    def __init__(self, run: Path, stage: str, every_steps: int = 20) -> None:
        self.writer = SummaryWriter(str(run / "tensorboard" / stage))
        self.stage = stage
        self.every_steps = every_steps
        self.smooth: dict[str, float] = {}

    def terms(self, terms: dict[str, Tensor], step: int) -> None:
        """Note one step's loss terms; written as running means over about 50 steps."""
        for name, term in terms.items():
            now = float(term.detach())
            self.smooth[name] = 0.98 * self.smooth.get(name, now) + 0.02 * now
        if step % self.every_steps == 0:
            for name, value in self.smooth.items():
                self.writer.add_scalar(f"{self.stage}/{name}", value, step)

    def line(self) -> str:
        """The smoothed terms in a few characters each."""
        return " ".join(f"{name} {value:.4f}" for name, value in self.smooth.items())

    def picture(self, name: str, rows: list[Tensor], step: int) -> None:
        """Log-mel images (M, N), values -1..1, below each other, low frequencies at the bottom."""
        stacked = torch.cat([row.flip(0) for row in rows]).float().cpu()
        self.writer.add_image(name, ((stacked + 1) / 2).clamp(0, 1)[None], step)
        self.writer.flush()
