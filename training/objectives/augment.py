"""Augmentation of the encoder's input; the target always stays clean."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.transforms import v2

from training.support.processes import draw_for_items, process_count


class ImageAugmentation(nn.Module):
    """Random colour jitter, Gaussian blur and random erasing, (B, 3, M, N) -> the same.

    The image's three channels are the three windows, so jitter shifts level and contrast and,
    as hue and saturation, the balance of time against frequency resolution. torchvision draws once
    a call, so the batch is cut into ``groups`` that each draw their own numbers.
    """

    def __init__(self, groups: int = 4) -> None:
        super().__init__()
        self.groups = groups
        self.transform = v2.Compose(
            [
                v2.RandomApply(
                    [v2.ColorJitter(brightness=0.1, contrast=0.1, saturation=0.1, hue=0.02)], p=0.5
                ),
                v2.RandomApply([v2.GaussianBlur(kernel_size=3, sigma=(0.1, 1.0))], p=0.3),
                v2.RandomErasing(p=0.4, scale=(0.02, 0.08), value=0),
            ]
        )

    @torch.no_grad()
    def forward(self, image: Tensor) -> Tensor:
        """Augment values of -1 to 1; torchvision's colours run from 0 to 1."""
        parts = ((image + 1) / 2).clamp(0, 1).chunk(max(1, self.groups // process_count()))
        seeds = draw_for_items(lambda n: torch.randint(2**62, (n,)), len(parts))
        return torch.cat([self._drawn(*group) for group in zip(parts, seeds, strict=True)]) * 2 - 1

    def _drawn(self, part: Tensor, seed: Tensor) -> Tensor:
        """Transform one group with random numbers of its seed alone."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(int(seed))
            drawn: Tensor = self.transform(part)
        return drawn
