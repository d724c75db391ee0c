"""Causal layers, with their state as an argument and a result.

A state is a plain dict of named tensors. A module adds names under its prefix, so the whole
decoder's state is one flat dict: easy to carry, to name in an exported graph, to compare.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

State = dict[str, Tensor]


class CausalConv2d(nn.Module):
    """2-D convolution, causal in time: (B, C, M, N) + last ``time_kernel - 1`` frames.

    Frequency is padded with zeros (there is nothing above and below), time with the state::

        state   input
        . .  |  x x x x       kernel of 3: output n reads inputs n-2, n-1, n
        `-----> y y y y
    """

    def __init__(self, name: str, inputs: int, outputs: int, bins: int, time_kernel: int) -> None:
        super().__init__()
        self.name = name
        self.state_shape = (inputs, bins, time_kernel - 1)
        self.conv = nn.Conv2d(inputs, outputs, (3, time_kernel), padding=(1, 0))

    def initial_state(self, batch: int) -> State:
        """Silence before the first frame."""
        return {self.name: self.conv.weight.new_zeros(batch, *self.state_shape)}

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, C_in, M, N), state -> (B, C_out, M, N), state."""
        extended = torch.cat([state[self.name], x], dim=3)
        return self.conv(extended), {self.name: tail(extended, self.state_shape[-1])}


class CausalConv1d(nn.Module):
    """1-D convolution, causal in time: (B, C, N) + last ``kernel - 1`` frames."""

    def __init__(self, name: str, inputs: int, outputs: int, kernel: int, groups: int = 1) -> None:
        super().__init__()
        self.name = name
        self.state_shape = (inputs, kernel - 1)
        self.conv = nn.Conv1d(inputs, outputs, kernel, groups=groups)

    def initial_state(self, batch: int) -> State:
        """Silence before the first frame."""
        return {self.name: self.conv.weight.new_zeros(batch, *self.state_shape)}

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, C_in, N), state -> (B, C_out, N), state."""
        extended = torch.cat([state[self.name], x], dim=2)
        return self.conv(extended), {self.name: tail(extended, self.state_shape[-1])}


class StreamingLSTM(nn.Module):
    """Unidirectional LSTM over frames, (B, inputs, N) -> (B, units, N)."""

    def __init__(self, name: str, inputs: int, units: int, layers: int = 1) -> None:
        super().__init__()
        self.name = name
        self.lstm = nn.LSTM(inputs, units, layers, batch_first=True)

    def initial_state(self, batch: int) -> State:
        """Hidden and cell state of zeros, each (B, layers, units)."""
        weight: Tensor = self.lstm.all_weights[0][0]
        zeros = weight.new_zeros(batch, self.lstm.num_layers, self.lstm.hidden_size)
        return {f"{self.name}.hidden": zeros, f"{self.name}.cell": zeros}

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, inputs, N), state -> (B, units, N), state."""
        hidden_and_cell = tuple(
            state[f"{self.name}.{part}"].transpose(0, 1).contiguous() for part in ("hidden", "cell")
        )
        y, (hidden, cell) = self.lstm(x.transpose(1, 2), hidden_and_cell)
        after = {
            f"{self.name}.hidden": hidden.transpose(0, 1),
            f"{self.name}.cell": cell.transpose(0, 1),
        }
        return y.transpose(1, 2), after


def tail(x: Tensor, count: int) -> Tensor:
    """The last ``count`` frames of the last axis (``x[..., -0:]`` would be all of it)."""
    return x.narrow(-1, x.shape[-1] - count, count)
