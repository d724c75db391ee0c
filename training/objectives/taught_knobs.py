"""Knobs that are taught: the first style dimensions learn to do what their names say.

There are no recordings of the same notes played brighter, noisier or with a softer attack, but a
filter of the image is a true target (``training.objectives.colouring``). So for some clips, knobs
are turned: style moves by an amount along the dimension of a colour, and the target is coloured by
that amount::

    decoder(z + a e_n, structure) ~ colour_n(target, a)

The unit of an amount is the style prior's spread. Structure stays as it is: pairs of a clip and the
same clip coloured would ask the encoder to keep colours out of structure, which cost reconstruction
and still left attack and noise in structure (``training/EXPERIMENTS.md``).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model.config import ModelConfig
from training.objectives.colouring import COLOURS, Colouring
from training.support.processes import draw_for_items


@dataclass(frozen=True)
class TurnedKnobs:
    """Targets (B, 3, M, N), the style offsets (B, D) that lead to them, and which clips have a knob
    turned, (B,) bool."""

    target: Tensor
    offset: Tensor
    turned: Tensor


class TaughtKnobs(nn.Module):
    """Turns knobs for a ``share`` of the clips."""

    def __init__(self, config: ModelConfig, share: float = 0.5) -> None:
        super().__init__()
        self.share = share
        self.colouring = Colouring(config.features)
        self.style_dims = config.encoder.style_dims

    @torch.no_grad()
    def forward(self, target: Tensor) -> TurnedKnobs:
        """Colour a share of the targets (B, 3, M, N)."""
        device = target.device
        chance = draw_for_items(lambda n: torch.rand(n, device=device), len(target))
        turned = chance < self.share
        amounts = draw_for_items(lambda n: draw_amounts(n, device), len(target))
        amounts = amounts * turned[:, None]
        coloured = self.colouring(target, amounts)
        return TurnedKnobs(
            torch.where(turned[:, None, None, None], coloured, target),
            offsets_of(amounts, self.style_dims),
            turned,
        )


def offsets_of(amounts: Tensor, style_dims: int) -> Tensor:
    """Amounts of colours (B, 7) as style offsets (B, D); a small style has only the first knobs."""
    taught = min(amounts.shape[1], style_dims)
    offset = amounts.new_zeros(len(amounts), style_dims)
    offset[:, :taught] = amounts[:, :taught]
    return offset


def draw_amounts(clips: int, device: torch.device) -> Tensor:
    """Draw one colour for most clips, several for the rest: (clips, 7), within ``REACH``."""
    present = torch.rand(clips, len(COLOURS), device=device) < PRESENT
    shares = torch.tensor([MAIN_COLOUR_SHARES[name] for name in COLOURS], device=device)
    main = torch.multinomial(shares, clips, replacement=True)
    present |= nn.functional.one_hot(main, len(COLOURS)).bool()
    return (2 * torch.rand(clips, len(COLOURS), device=device) - 1) * REACH * present


REACH = 2.5
"""A little beyond the -2 to 2 spreads within which a knob must do what its name says."""

MAIN_COLOUR_SHARES = {
    "brightness": 0.06,
    "loudness": 0.06,
    "noisiness": 0.27,
    "bandwidth": 0.06,
    "attack": 0.33,
    "pitch": 0.20,
    "density": 0.02,
}
"""Share of clips that have each colour as their main one: the slower it is learned, the larger."""

PRESENT = 0.08
"""Probability of each other colour beside it."""
