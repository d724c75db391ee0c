"""MusicVAE's conductor for the preset ``seed``: a second, slower LSTM above the frames.

In MusicVAE (arXiv 1803.05428, section 3.2) one LSTM makes a plan for each bar, from which a second
one makes the notes. Here a step is a sixteenth of the clip, and the playhead drives it: the
conductor steps when a sine of the phase code changes its sign, so it holds still in a freeze,
follows the speed, and needs no count of frames::

    sine of 8 turns   + + + + | - - - - | + + + + |        the clip has 16 half turns
    conductor's memory  c1    |   c2    |   c3    |        changes at the first frame of a step
    frames' LSTM      h h h h | h h h h | h h h h |        reads it at every frame

Unlike MusicVAE's lower decoder, the frames' LSTM also reads z and is not reset at a step: it does
not read its own output, from which it could guess on, and sounds ring on across steps.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.config import PHASE_CODE_DIMS
from model.streaming import State, StreamingLSTM

STEP_ROW = 3
"""Row of the phase code whose sign makes the steps: the sine of 2**3 turns, 16 steps a clip."""

SATURATED = 100.0
"""Weight that makes a gate exactly 0 or 1 in single precision, so training never moves it."""


class Conductor(nn.Module):
    """Style and phase code to one plan a step, (B, D, N), (B, S, N) -> (B, units, N), streaming.

    An LSTM whose memory changes only at steps: elsewhere an input of ones shuts its input gate and
    opens its forget gate. Its output gate works at every frame and knows the place in the step.
    """

    def __init__(self, style_dims: int, units: int) -> None:
        super().__init__()
        self.lstm = StreamingLSTM("decoder.conductor", style_dims + PHASE_CODE_DIMS + 1, units)
        with torch.no_grad():
            hold = self.lstm.lstm.get_parameter("weight_ih_l0")[:, -1]
            hold.zero_()
            hold[:units] = -SATURATED  # rows of torch's LSTM: input, forget, cell, output
            hold[units : 2 * units] = SATURATED

    def initial_state(self, batch: int) -> State:
        """No memory, and no sign yet: the first frame is a step."""
        state = self.lstm.initial_state(batch)
        return state | {SIGN: next(iter(state.values())).new_zeros(batch, 1)}

    def forward(self, style: Tensor, code: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, D, N), (B, S, N), state -> (B, units, N), state."""
        ones = torch.ones_like(code[:, STEP_ROW])
        sign = torch.where(code[:, STEP_ROW] >= 0, ones, -ones)
        previous = torch.cat([state[SIGN], sign[:, :-1]], dim=1)
        hold = (sign * previous > 0).to(style.dtype)[:, None]
        plan, after = self.lstm(torch.cat([style, code, hold], dim=1), state)
        return plan, after | {SIGN: sign[:, -1:]}


SIGN = "decoder.conductor.sign"
"""State (B, 1): sign of the step's sine at the last frame, 0 before the first."""
