"""The discrete Fourier transform in real arithmetic, as products with small fixed matrices.

ONNX has no inverse short-time transform and ONNX Runtime no complex tensors, and the module that
is trained with must also be the one exported. A plain DFT matrix of 4096 samples would hold 16.8
million numbers; split into two factors (Cooley and Tukey 1965, the "four-step" form) it is two
of 64 x 64 and a twiddle table.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class MagnitudeDFT(nn.Module):
    """Magnitudes of the DFT of real frames, (..., W) -> (..., W/2+1).

    With W = P Q, t = Q p + q and k = k1 + P k2::

        X[k] = sum over q of  e^(-2 pi i q k2 / Q)  e^(-2 pi i q k1 / W)  A[k1, q]
        A[k1, q] = sum over p of  e^(-2 pi i p k1 / P)  x[Q p + q]
    """

    def __init__(self, window_samples: int) -> None:
        super().__init__()
        self.inner_cos: Tensor
        self.inner_sin: Tensor
        self.twiddle_cos: Tensor
        self.twiddle_sin: Tensor
        self.outer_cos: Tensor
        self.outer_sin: Tensor
        self.columns = 2 ** (window_samples.bit_length() // 2)
        self.rows = window_samples // self.columns
        if self.rows * self.columns != window_samples:
            raise ValueError(f"a window of {window_samples} samples is no power of two")
        self.bins = window_samples // 2 + 1
        rows, columns = torch.arange(self.rows), torch.arange(self.columns)
        self._add("inner", rows[:, None] * rows[None, :], self.rows)
        self._add("twiddle", rows[:, None] * columns[None, :], window_samples)
        self._add("outer", columns[:, None] * columns[None, : self.columns // 2 + 1], self.columns)

    def _add(self, name: str, turns: Tensor, period: int) -> None:
        # The angle is reduced modulo one turn in integers: large products would cost digits.
        angle = (turns % period).double() * (2 * math.pi / period)
        self.register_buffer(f"{name}_cos", torch.cos(angle).float(), persistent=False)
        self.register_buffer(f"{name}_sin", -torch.sin(angle).float(), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        """(..., W) -> (..., W/2+1).

        Where no graph is being exported an FFT gives the same numbers (to 1e-6, tested) in a
        fifth of the time on a CPU.
        """
        if not torch.compiler.is_exporting():
            return torch.fft.rfft(frames).abs()
        x = frames.reshape(*frames.shape[:-1], self.rows, self.columns)
        real, imaginary = self.inner_cos @ x, self.inner_sin @ x
        real, imaginary = (
            real * self.twiddle_cos - imaginary * self.twiddle_sin,
            real * self.twiddle_sin + imaginary * self.twiddle_cos,
        )
        real, imaginary = (
            real @ self.outer_cos - imaginary @ self.outer_sin,
            real @ self.outer_sin + imaginary @ self.outer_cos,
        )
        magnitude = torch.sqrt(real * real + imaginary * imaginary)
        return magnitude.transpose(-1, -2).flatten(-2)[..., : self.bins]


def inverse_dft_matrix(window_samples: int) -> Tensor:
    """(2 F, W): rows that turn [real, imaginary] parts of a real signal's spectrum into samples.

    x[t] = 1/W sum over k of c[k] (Re X[k] cos(2 pi k t / W) - Im X[k] sin(2 pi k t / W)), where
    c is 1 for the first and last bin and 2 between, which stand for their mirror images too.
    """
    bins = torch.arange(window_samples // 2 + 1)
    turns = (bins[:, None] * torch.arange(window_samples)[None, :]) % window_samples
    angle = turns.double() * (2 * math.pi / window_samples)
    weight = torch.full((len(bins), 1), 2.0, dtype=torch.float64)
    weight[0] = weight[-1] = 1.0
    scale = weight / window_samples
    return torch.cat([scale * torch.cos(angle), -scale * torch.sin(angle)]).float()
