"""The path from the engine to one output: resampler, channels, ring.

    (C, T) at the model's rate -> resampler -> main pair and cue pair -> ring -> output

The ring is filled up to ``ring_blocks`` blocks, two or more, or further for a device that takes
more at once; a block is rendered as soon as there is room for it. A path that begins or ends while
sound plays fades.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np

from export.audio.arrays import Floats
from server.output.protocol import Output
from server.output.resampler import StreamResampler

FADE_S = 0.01
LARGEST_REQUEST_S = 0.25
"""JACK's largest common period, 8192 samples, is 0.19 s at 44.1 kHz."""
FLUSH_S = 0.03
"""More than the resampler holds back (``resampler``): silence after the last fade."""


@dataclass(frozen=True)
class OutputFormat:
    """The engine's format, and the channels it goes to, counted from 1."""

    model_rate_hz: float
    model_channels: int
    block_samples: int
    ring_blocks: int
    main: tuple[int, int] = (1, 2)
    cue: tuple[int, int] | None = None


class OutputPath:
    """One output, its ring and its resampler; written to by the engine's thread."""

    def __init__(self, output: Output, output_format: OutputFormat) -> None:
        self.output = output
        self.filled = threading.Event()
        """Set once its ring has been full."""
        self._format = output_format
        self.resampler = StreamResampler(
            output_format.model_rate_hz,
            output.sample_rate_hz,
            output_format.model_channels * (2 if output_format.cue else 1),
        )
        self._main = [c - 1 for c in output_format.main if c <= output.channels]
        self._cue = [c - 1 for c in output_format.cue or () if c <= output.channels]
        ratio = output.sample_rate_hz / output_format.model_rate_hz
        self._block_samples = round(output_format.block_samples * ratio)
        self._min_samples = output_format.ring_blocks * self._block_samples
        self._max_samples = max(
            self._min_samples, self._fill_for(round(LARGEST_REQUEST_S * output.sample_rate_hz))
        )
        # Beyond the target, room for one uneven block of the resampler, and one that fades.
        flush_samples = round(FLUSH_S * output.sample_rate_hz)
        self.ring = output.new_ring(self._max_samples + 3 * self._block_samples + flush_samples)

    @property
    def has_room(self) -> bool:
        """True if another block should be written."""
        return self.ring.available + self._block_samples <= self._target_samples

    @property
    def target_s(self) -> float:
        """The target fill of the ring."""
        return self._target_samples / self.output.sample_rate_hz

    @property
    def waiting_s(self) -> float:
        """The present fill of the ring."""
        return self.ring.available / self.output.sample_rate_hz

    @property
    def delay_s(self) -> float:
        """Time from writing a sample to hearing it, without the ring's."""
        return self.output.latency_s + self.resampler.latency_s

    def write(self, audio: Floats, cue: Floats | None = None) -> Floats:
        """Write a block (C, T); return the main pair's samples (T', C) at the output's rate."""
        if self._format.cue:
            audio = np.concatenate([audio, np.zeros_like(audio) if cue is None else cue])
        resampled = self.resampler.process(audio.T)
        channels = self._format.model_channels
        samples, cue_samples = resampled[:, :channels], resampled[:, channels:]
        interleaved = np.zeros((len(samples), self.output.channels), np.float32)
        interleaved[:, self._main] = _for_channels(samples, len(self._main))
        interleaved[:, self._cue] = _for_channels(cue_samples, len(self._cue))
        self.ring.write(interleaved)
        return samples

    def write_first(self, audio: Floats, cue: Floats | None = None) -> Floats:
        """Write the first block (C, T), fading in."""
        rise = self._rise(audio.shape[1])
        return self.write(*_faded(rise, audio, cue))

    def write_last(self, audio: Floats, cue: Floats | None = None) -> Floats:
        """Write the last block (C, T), fading out, then silence."""
        rise = self._rise(audio.shape[1])
        silence = np.zeros((len(audio), round(FLUSH_S * self._format.model_rate_hz)), np.float32)
        samples = [self.write(*_faded(1 - rise, audio, cue)), self.write(silence)]
        self.ring.end()
        return np.concatenate(samples)

    @property
    def _target_samples(self) -> int:
        needed = self._fill_for(self.ring.largest_request)
        return min(max(self._min_samples, needed), self._max_samples)

    def _fill_for(self, request_samples: int) -> int:
        """The fill that a device needs which takes ``request_samples`` at once.

        The ring lacks up to a block of being full, and the resampler's blocks are uneven.
        """
        return request_samples + 2 * self._block_samples

    def _rise(self, samples: int) -> Floats:
        """Gains (T,) from 0 to 1 without a corner."""
        ramp = np.arange(samples) / (FADE_S * self._format.model_rate_hz)
        return np.asarray(np.sin(np.pi / 2 * np.minimum(ramp, 1.0)) ** 2, np.float32)


def _for_channels(samples: Floats, channels: int) -> Floats:
    """A pair (T, 2) for as many channels as the output has of it: one of them plays the middle."""
    if channels == 1:
        return np.asarray(samples.mean(axis=1, keepdims=True), np.float32)
    return samples[:, :channels]


def _faded(gains: Floats, audio: Floats, cue: Floats | None) -> tuple[Floats, Floats | None]:
    return audio * gains, None if cue is None else cue * gains
