"""Vocoder: log-mel image to sound, causal.

A convolution alone cannot sustain a tone: fed the same image at every frame (a frozen chord), it
repeats the same few milliseconds, and whatever the pitch, the result buzzes at the hop rate. So the
network predicts, for every bin of a short-time spectrum, the numbers of a phase vocoder (Flanagan
and Golden 1966): its magnitude (as a correction to the image's, spread back over the bins), the
advance of its phase, and how uncertain that advance is. Phases are summed up over time, as part of
the stream's state; uncertain bins (noise, attacks) are jittered by random numbers from the caller,
certain ones (tones) are not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.config import ModelConfig
from model.dft import InverseDFT
from model.inverse_mel import InverseMel
from model.streaming import CausalConv1d, State


class Spectra(NamedTuple):
    """The network's output for each spectrum, all (B, F, L) with L = N x spectra per frame.

    ``log_magnitude`` natural logarithm; ``advance`` of the phase beyond the bin's own frequency, in
    radians, within +-pi; ``spread`` standard deviation of that advance in radians.
    """

    log_magnitude: Tensor
    advance: Tensor
    spread: Tensor

    def after(self, first: int) -> Spectra:
        """All but the first ``first`` spectra."""
        return Spectra(
            self.log_magnitude[..., first:], self.advance[..., first:], self.spread[..., first:]
        )


class ConvNeXtBlock(nn.Module):
    """Causal ConvNeXt block (arXiv 2201.03545, 1-D as in Vocos, arXiv 2306.00814)."""

    def __init__(self, name: str, width: int, time_kernel: int, layer_scale: float) -> None:
        super().__init__()
        self.depthwise = CausalConv1d(name, width, width, time_kernel, groups=width)
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 3 * width)
        self.narrow = nn.Linear(3 * width, width)
        self.scale = nn.Parameter(torch.full((width,), layer_scale))

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, W, N), state -> (B, W, N), state; normalised over channels only, never over time."""
        y, new_state = self.depthwise(x, state)
        y = self.narrow(functional.gelu(self.widen(self.norm(y.transpose(1, 2)))))
        return x + (y * self.scale).transpose(1, 2), new_state


class Vocoder(nn.Module):
    """Image and random numbers to sound, (B, 3, M, N), (B, F, L), state -> (B, C, T), state."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        vocoder = config.vocoder
        inputs = 3 * config.features.mel_bins
        self.config = config
        self.stem = CausalConv1d("vocoder.stem", inputs, vocoder.width, vocoder.time_kernel)
        self.blocks: Iterable[ConvNeXtBlock] = nn.ModuleList(  # type: ignore[assignment]
            ConvNeXtBlock(
                f"vocoder.block{index}", vocoder.width, vocoder.time_kernel, 1 / vocoder.blocks
            )
            for index in range(vocoder.blocks)
        )
        self.norm = nn.LayerNorm(vocoder.width)
        outputs = 3 * config.spectrum_bins * vocoder.spectra_per_frame
        self.head = nn.Linear(vocoder.width, outputs)
        self.inverse_mel = InverseMel(config)
        self.synthesis = PhaseSynthesis(config)

    @property
    def receptive_frames(self) -> int:
        """Number of previous frames that a frame depends on."""
        vocoder = self.config.vocoder
        return (vocoder.blocks + 1) * (vocoder.time_kernel - 1)

    def initial_state(self, batch: int) -> State:
        """Silence before the first frame."""
        return self.network_state(batch) | self.synthesis.initial_state(batch)

    def network_state(self, batch: int) -> State:
        """The part of the state that ``spectra`` reads."""
        state = self.stem.initial_state(batch)
        for block in self.blocks:
            state |= block.depthwise.initial_state(batch)
        return state

    def forward(self, image: Tensor, noise: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, 3, M, N), standard normal (B, F, L), state -> (B, 1, T), state."""
        spectra, network_state = self.spectra(image, state)
        audio, phase_state = self.synthesis(spectra, noise, state)
        return audio[:, None, :], network_state | phase_state

    def spectra(self, image: Tensor, state: State) -> tuple[Spectra, State]:
        """(B, 3, M, N), state -> ``Spectra``, state."""
        x, new_state = self.stem(image.flatten(1, 2), state)
        for block in self.blocks:
            x, block_state = block(x, state)
            new_state |= block_state
        y = self.head(self.norm(x.transpose(1, 2))).float()
        parts = y.reshape(y.shape[0], -1, 3, self.config.spectrum_bins)
        correction, advance, spread = parts.permute(2, 0, 3, 1)
        start = self.inverse_mel(image.float())
        start = start.repeat_interleave(self.config.vocoder.spectra_per_frame, dim=2)
        return (
            Spectra(
                (start + correction).clamp(max=LARGEST_LOG_MAGNITUDE),
                torch.tanh(advance) * math.pi,
                torch.sigmoid(spread) * LARGEST_SPREAD,
            ),
            new_state,
        )


class PhaseSynthesis(nn.Module):
    """Spectra to samples: phases summed up, locked to their neighbours, windowed, overlap-added.

    Block n leaves when spectrum n is there; the tail is what later spectra still add to::

        spectrum n     |---- window ----|
        spectrum n+1        |---- window ----|
        leaves         |hop |hop |
        tail after n+1           |...........|
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.window_samples = config.vocoder.window_samples
        self.hop_samples = config.synthesis_hop_samples
        self.bins = config.spectrum_bins
        self.overlap = self.window_samples // self.hop_samples
        window = torch.hann_window(self.window_samples)
        # Analysis and synthesis window overlap to sum(window^2) / hop, the same at every sample.
        gain = self.hop_samples / window.square().sum()
        self.register_buffer("window", window * gain, persistent=False)
        # Spectra are centred on their window (a pulse in its middle has phase zero everywhere), so
        # that neighbouring bins of one tone have the same phase.
        self.inverse_dft = InverseDFT(self.window_samples)
        # A tone in the middle of bin k advances by k hop / window turns from spectrum to spectrum.
        turns = (torch.arange(self.bins) * self.hop_samples % self.window_samples).double()
        self.register_buffer("bin_turns", turns / self.window_samples, persistent=False)
        self.window: Tensor
        self.bin_turns: Tensor

    def initial_state(self, batch: int) -> State:
        """Phase zero in every bin, an empty tail."""
        return {
            "vocoder.phase": self.window.new_zeros(batch, self.bins),
            "vocoder.tail": self.window.new_zeros(batch, self.overlap - 1, self.hop_samples),
        }

    def forward(self, spectra: Spectra, noise: Tensor, state: State) -> tuple[Tensor, State]:
        """``Spectra`` (B, F, L), standard normal (B, F, L), state -> (B, T), state."""
        magnitude = torch.exp(spectra.log_magnitude)
        phase, last_phase = self._phases(spectra, noise, state["vocoder.phase"])
        real, imaginary = _lock(magnitude, torch.cos(phase), torch.sin(phase))
        frames = self.inverse_dft(real.transpose(1, 2), imaginary.transpose(1, 2))
        audio, last_tail = self._overlap_add(frames * self.window, state["vocoder.tail"])
        return audio, {"vocoder.phase": last_phase, "vocoder.tail": last_tail}

    def _phases(self, spectra: Spectra, noise: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
        """Phases (B, F, L) in radians and the last ones (B, F) in turns, summed in double
        precision."""
        # Audio trains magnitudes only; the advance has its own loss. Through the sum over time its
        # gradient would grow with every spectrum.
        noisiness = (spectra.spread - TONAL_SPREAD) / (NOISY_SPREAD - TONAL_SPREAD)
        jitter = noise * spectra.spread * noisiness.clamp(0, 1)
        step = (spectra.advance + jitter).detach().double() / (2 * math.pi)
        turns = start.double()[:, :, None] + torch.cumsum(step + self.bin_turns[:, None], dim=2)
        turns = turns - torch.floor(turns)
        return (turns * (2 * math.pi)).float(), turns[:, :, -1].float()

    def _overlap_add(self, frames: Tensor, tail: Tensor) -> tuple[Tensor, Tensor]:
        """(B, L, W), (B, W/hop - 1, hop) -> samples (B, L hop), new tail."""
        pieces = frames.reshape(frames.shape[0], -1, self.overlap, self.hop_samples)
        total = functional.pad(tail, (0, 0, 0, frames.shape[1]))
        for shift in range(self.overlap):
            total = total + functional.pad(
                pieces[:, :, shift], (0, 0, shift, self.overlap - 1 - shift)
            )
        return total[:, : frames.shape[1]].flatten(1), total[:, frames.shape[1] :]


def _lock(magnitude: Tensor, cosine: Tensor, sine: Tensor) -> tuple[Tensor, Tensor]:
    """Give every bin the phase of the loudest around it, (B, F, L) -> real and imaginary parts.

    Summed up bin by bin, phases of one tone's neighbouring bins drift apart and the tone beats;
    phase vocoders lock them to the peak (Laroche and Dolson 1999). Here: the mean phase of three
    bins, weighted by power, which the peak dominates.
    """
    power = magnitude.detach().square()
    real, imaginary = (_sum_of_three(power * part) for part in (cosine, sine))
    # Where three phases cancel, the bin fades instead of dividing by zero.
    floor = 1e-12 * _sum_of_three(power).square() + 1e-24
    norm = torch.sqrt(real * real + imaginary * imaginary + floor)
    return magnitude * real / norm, magnitude * imaginary / norm


def _sum_of_three(x: Tensor) -> Tensor:
    """Sum of each bin and its two neighbours, (B, F, L) -> (B, F, L)."""
    padded = functional.pad(x, (0, 0, 1, 1))
    return padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]


LARGEST_LOG_MAGNITUDE = 7.0
"""A full-scale sine has a quarter of the window: log magnitude 6.2 with 2048 samples."""

LARGEST_SPREAD = 3.0
"""Radians. A wrapped normal of that width is uniform: the phase is unknown."""

TONAL_SPREAD = 0.5
"""Spread in radians up to which a bin counts as a tone and is not jittered."""

NOISY_SPREAD = 0.9
"""Spread in radians from which a bin counts as noise and is jittered in full. Spectra overlap, so
even white noise advances somewhat predictably: with windows of four hops its spread is 1.0
(measured)."""
