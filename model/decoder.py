"""Decoder: the two latents to a log-mel image, frame by frame."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.conductor import Conductor
from model.config import ModelConfig
from model.contrast import Contrast
from model.streaming import CausalConv2d, State, StreamingLSTM


class FiLM(nn.Module):
    """Style sets the gain and offset of every channel at every frame (arXiv 1709.07871)."""

    def __init__(self, style_dims: int, channels: int) -> None:
        super().__init__()
        self.modulation = nn.Conv1d(style_dims, 2 * channels, 1)
        # Near the identity at first, whatever the style.
        nn.init.normal_(self.modulation.weight, std=0.05)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """(B, C, M, N) and (B, D, N) -> (B, C, M, N)."""
        gain, offset = self.modulation(style)[:, :, None, :].chunk(2, dim=1)
        return x * (1 + gain) + offset


class DecoderBlock(nn.Module):
    """Residual causal convolutions, modulated by FiLM, (B, C, M, N) -> (B, C, M, N)."""

    def __init__(
        self, name: str, channels: int, bins: int, style_dims: int, time_kernel: int
    ) -> None:
        super().__init__()
        self.film = FiLM(style_dims, channels)
        self.first = CausalConv2d(f"{name}.first", channels, channels, bins, time_kernel)
        self.second = CausalConv2d(f"{name}.second", channels, channels, bins, time_kernel)

    def initial_state(self, batch: int) -> State:
        """Silence before the first frame, for both convolutions."""
        return self.first.initial_state(batch) | self.second.initial_state(batch)

    def forward(self, x: Tensor, style: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, C, M, N), (B, D, N), state -> (B, C, M, N), state."""
        y, first = self.first(functional.silu(self.film(x, style)), state)
        y, second = self.second(functional.silu(y), state)
        return x + y, first | second


class Decoder(nn.Module):
    """Style and structure per frame to image, (B, D, N), (B, S, N) -> (B, 3, M, N), streaming.

    The mirror of the encoder. From style and structure, an LSTM makes a map that joins the
    structure map; transposed convolutions double the frequency axis up to the mel bins; style
    modulates each of them, adds a spectral envelope, and sharpens or blurs the image::

        z, s --> LSTM --> map --.
        s ----------------------+--> block --> x2 --> block --> x2 --> block --> + --> contrast(z)
        z ----------------------'     FiLM            FiLM            FiLM       envelope(z)

    In the preset ``seed`` the LSTM also reads the plan of a conductor.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        decoder, style_dims = config.decoder, config.encoder.style_dims
        self.bands = config.bands
        self.mel_bins = config.features.mel_bins
        units = decoder.conductor_units
        self.conductor = Conductor(style_dims, units) if units else None
        self.lstm = StreamingLSTM(
            "decoder.lstm",
            style_dims + config.structure_dims + units,
            decoder.lstm_units,
            decoder.lstm_layers,
        )
        self.to_map = nn.Conv1d(decoder.lstm_units, decoder.map_channels * self.bands, 1)
        self.structure_channels = config.encoder.structure_channels
        self.widen = nn.Conv2d(
            decoder.map_channels + self.structure_channels + 1, decoder.widths[0], 1
        )
        self.register_buffer("height", torch.linspace(-1, 1, self.bands), persistent=False)
        self.height: Tensor
        self.blocks: Iterable[DecoderBlock] = nn.ModuleList(  # type: ignore[assignment]
            DecoderBlock(
                f"decoder.block{level}",
                width,
                self.bands * 2**level,
                style_dims,
                decoder.time_kernel,
            )
            for level, width in enumerate(decoder.widths)
        )
        self.doublings = nn.ModuleList(
            nn.ConvTranspose2d(lower, upper, (4, 1), stride=(2, 1), padding=(1, 0))
            for lower, upper in zip(decoder.widths, decoder.widths[1:], strict=False)
        )
        self.to_image = nn.Conv2d(decoder.widths[-1], 3, 1)
        self.envelope = nn.Conv1d(style_dims, 3 * config.features.mel_bins, 1)
        # Untrained, the image is nearly silent, like music between notes.
        nn.init.constant_(self.envelope.bias, -0.8)  # type: ignore[arg-type]
        self.contrast = Contrast("decoder.contrast", style_dims, config.features.mel_bins)

    def initial_state(self, batch: int) -> State:
        """Silence: every state at zero."""
        state = self.lstm.initial_state(batch)
        if self.conductor:
            state |= self.conductor.initial_state(batch)
        for block in self.blocks:
            state |= block.initial_state(batch)
        return state | self.contrast.initial_state(batch)

    def forward(self, style: Tensor, structure: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, D, N), (B, S, N), state -> (B, 3, M, N), state."""
        inputs, new_state = [style, structure], State()
        if self.conductor:
            plan, new_state = self.conductor(style, structure, state)
            inputs.append(plan)
        hidden, lstm_state = self.lstm(torch.cat(inputs, dim=1), state)
        new_state |= lstm_state
        x = self.widen(self._maps(hidden, structure))
        for level, block in enumerate(self.blocks):
            if level:
                x = self.doublings[level - 1](x)
            x, block_state = block(x, style, state)
            new_state |= block_state
        image = self.to_image(functional.silu(x)) + self.envelope_of(style)
        image, past = self.contrast(image, style, state)
        return image, new_state | past

    def envelope_of(self, style: Tensor) -> Tensor:
        """The spectral envelope of style alone, (B, D, N) -> (B, 3, M, N)."""
        return _as_map(self.envelope(style), self.mel_bins)

    def _maps(self, hidden: Tensor, structure: Tensor) -> Tensor:
        """Concatenate the LSTM's map, the structure map and height: (B, channels, bands, N)."""
        drawn = _as_map(self.to_map(hidden), self.bands)
        height = self.height[None, None, :, None].expand(drawn.shape[0], 1, -1, drawn.shape[3])
        if not self.structure_channels:
            return torch.cat([drawn, height], dim=1)
        return torch.cat([drawn, _as_map(structure, self.bands), height], dim=1)


def _as_map(x: Tensor, rows: int) -> Tensor:
    """(B, channels x rows, N) -> (B, channels, rows, N).

    Not ``unflatten``: traced for export, it fixes N to the example's.
    """
    return x.reshape(x.shape[0], -1, rows, x.shape[2])


def ticks_to_frames(structure: Tensor, frames_per_tick: int) -> Tensor:
    """Interpolate structure at frames, (B, S, K) -> (B, S, N), linear between ticks.

    Tick k is centred between the frames it was made from, so frame n reads position
    (n + 1/2) / frames_per_tick - 1/2, limited to the first and the last tick.
    """
    return functional.interpolate(
        structure, scale_factor=float(frames_per_tick), mode="linear", align_corners=False
    )
