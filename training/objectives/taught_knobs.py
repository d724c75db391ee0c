"""Knobs that are taught: the first style dimensions are asked to do what their names say.

Nobody renders the same notes brighter, noisier or softer in their attack, but a filter of the image
is a true answer (``training.objectives.colouring``). So whatever the decoder is asked, for some
clips knobs are turned: style moves by an amount along the dimension of a colour, and the answer is
coloured by that amount::

    decoder(z + a e_n, structure) ~ colour_n(answer, a)

The unit of an amount is the style prior's spread. Structure stays as it is: unlike a pair of a clip
and the same clip coloured, this does not ask the encoder to keep colours out of structure, which
cost reconstruction and left attack and noise to structure all the same (``EXPERIMENTS.md``).
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
    """The answers (B, 3, M, N), the offsets of style (B, D) that they want, and which of them had
    a knob turned, (B,) bool."""

    answer: Tensor
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
    def forward(self, answer: Tensor) -> TurnedKnobs:
        """Answers (B, 3, M, N), of which a share is coloured."""
        device = answer.device
        chance = draw_for_items(lambda n: torch.rand(n, device=device), len(answer))
        turned = chance < self.share
        amounts = draw_for_items(lambda n: draw_amounts(n, device), len(answer))
        amounts = amounts * turned[:, None]
        coloured = self.colouring(answer, amounts)
        return TurnedKnobs(
            torch.where(turned[:, None, None, None], coloured, answer),
            offsets_of(amounts, self.style_dims),
            turned,
        )


def offsets_of(amounts: Tensor, style_dims: int) -> Tensor:
    """Amounts of colours (B, 7) as offsets of style (B, D); a small style has the first of them."""
    taught = min(amounts.shape[1], style_dims)
    offset = amounts.new_zeros(len(amounts), style_dims)
    offset[:, :taught] = amounts[:, :taught]
    return offset


def draw_amounts(clips: int, device: torch.device) -> Tensor:
    """One colour for most clips, a few together for the others: (clips, 7), within ``REACH``."""
    present = torch.rand(clips, len(COLOURS), device=device) < PRESENT
    often = torch.tensor([HOW_OFTEN[name] for name in COLOURS], device=device)
    one = torch.multinomial(often, clips, replacement=True)
    present |= nn.functional.one_hot(one, len(COLOURS)).bool()
    return (2 * torch.rand(clips, len(COLOURS), device=device) - 1) * REACH * present


REACH = 2.5
"""Further than -2 to 2, between which a name must hold."""

HOW_OFTEN = {
    "brightness": 0.06,
    "loudness": 0.06,
    "noisiness": 0.27,
    "bandwidth": 0.06,
    "attack": 0.33,
    "pitch": 0.20,
    "density": 0.02,
}
"""Shares of the one colour that is always there: the slower it is learned, the more it comes."""

PRESENT = 0.08
"""Of each of the others beside it."""
