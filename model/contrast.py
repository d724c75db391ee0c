"""Contrast: style sharpens or blurs the image along frequency, at rises and at falls.

An envelope added to a log-mel image changes its balance, but not how noisy it is or how it is
struck: that is how far bins stand out from their neighbours, and frames from previous ones. So
besides its envelope, style has a gain for each of the three::

    image + g1 (image - neighbours) + g2 (image - past if above) - g3 (past - image if below)
            noise .. tone             soft .. hard attack         held .. damped
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.config import TAUGHT_KNOBS
from model.features import frame_levels
from model.streaming import State, tail

TONE, RISE, FALL = range(3)

LEAST_GAIN = -1.5
MOST_GAIN = {TONE: 0.4, RISE: 1.5, FALL: 1.5}
"""1 doubles what stands out, -1 levels it. Sharpening peaks along frequency much further does not
make them purer: the noise among them stands out more as well."""

INITIAL_GAINS = {"noisiness": (TONE, -0.5), "attack": (RISE, 0.35)}
"""The gain that a taught knob begins with, per unit of style. From 0, gains stay near 0: the other
layers find a part of the answer first, and L1 has little to gain from the rest."""

WINDOWS = 3
NEIGHBOUR_BINS = 7
PAST_FRAMES = 8

SILENCE = -1.0
"""Of an image: the floor."""


class Contrast(nn.Module):
    """Changes contrast by style, (B, 3, M, N), (B, D, N), state -> (B, 3, M, N), state."""

    def __init__(self, name: str, style_dims: int, mel_bins: int) -> None:
        super().__init__()
        self.name = name
        self.mel_bins = mel_bins
        self.gains = nn.Conv1d(style_dims, len(MOST_GAIN) * WINDOWS * mel_bins, 1)
        # Near the identity at first, except for the knobs that contrast is made for.
        nn.init.normal_(self.gains.weight, std=0.01)
        nn.init.zeros_(self.gains.bias)  # type: ignore[arg-type]
        self._set_initial_gains()

    def initial_state(self, batch: int) -> State:
        """Silence before the first frame, (B, 3, M, ``PAST_FRAMES``): heights above the floor."""
        shape = (batch, WINDOWS, self.mel_bins, PAST_FRAMES)
        return {self.name: self.gains.weight.new_zeros(shape)}

    def forward(self, image: Tensor, style: Tensor, state: State) -> tuple[Tensor, State]:
        """Change the image's contrasts; the state holds past frames of the input."""
        tone, rise, fall = self._gains_of(style)
        extended = torch.cat([state[self.name], image - SILENCE], dim=3)
        past = functional.avg_pool2d(extended[..., :-1], (1, PAST_FRAMES), stride=1) + SILENCE
        toned = image + tone * (image - neighbours(image))
        changed = (
            toned
            # Keep the level, or a purer tone would be louder.
            + (frame_levels(image) - frame_levels(toned))[:, :, None]
            + rise * functional.relu(image - past)
            - fall * functional.relu(past - image)
        )
        return changed, {self.name: tail(extended, PAST_FRAMES)}

    def _gains_of(self, style: Tensor) -> list[Tensor]:
        """Gains of tone, rise and fall, (B, 3, M, N) each, softly limited to their range."""
        gains = self.gains(style)
        shape = (gains.shape[0], len(MOST_GAIN), WINDOWS, self.mel_bins, gains.shape[2])
        limited = []
        for most, gain in zip(MOST_GAIN.values(), gains.reshape(shape).unbind(1), strict=True):
            limit = torch.where(gain > 0, most, -LEAST_GAIN)
            limited.append(limit * torch.tanh(gain / limit))
        return limited

    @torch.no_grad()
    def _set_initial_gains(self) -> None:
        """Add ``INITIAL_GAINS`` to the weights of the taught knobs."""
        style_dims = self.gains.in_channels
        by_kind = self.gains.weight.view(len(MOST_GAIN), WINDOWS * self.mel_bins, style_dims)
        for dimension, knob in enumerate(TAUGHT_KNOBS[:style_dims]):
            if knob in INITIAL_GAINS:
                kind, gain = INITIAL_GAINS[knob]
                by_kind[kind, :, dimension] += gain


def neighbours(image: Tensor) -> Tensor:
    """Mean of each bin and those around it, (B, 3, M, N) -> the same."""
    return functional.avg_pool2d(
        image,
        (NEIGHBOUR_BINS, 1),
        stride=1,
        padding=(NEIGHBOUR_BINS // 2, 0),
        count_include_pad=False,
    )
