"""The way from the engine to one output: resampler, channels, ring.

    (C, T) at the model's rate -> resampler -> main pair and cue pair -> ring -> output

The ring is filled up to ``ring_blocks`` blocks, two or more, or as far as a device needs that takes
more at once; a block is rendered as soon as there is room for it. A lane that begins or ends while
there is sound fades.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np

from server.output.protocol import Output
from server.output.resampler import StreamResampler
from server.system.arrays import Floats

FADE_S = 0.01
LARGEST_REQUEST_S = 0.25
"""JACK's largest common period, 8192 samples, is 0.19 s at 44.1 kHz."""
FLUSH_S = 0.03
"""More than the resampler holds back (``resampler``): silence behind the last fade."""


@dataclass(frozen=True)
class OutputFormat:
    """What the engine renders, and where it goes: channels are counted from 1."""

    model_rate_hz: float
    model_channels: int
    block_samples: int
    ring_blocks: int
    main: tuple[int, int] = (1, 2)
    cue: tuple[int, int] | None = None


class OutputPath:
    """One output, its ring and its resamplers; written to by the engine's thread."""

    def __init__(self, output: Output, form: OutputFormat) -> None:
        self.output = output
        self.filled = threading.Event()
        """Set when its ring has been full."""
        self._form = form
        self.resampler = StreamResampler(
            form.model_rate_hz,
            output.sample_rate_hz,
            form.model_channels * (2 if form.cue else 1),
        )
        self._main = [c - 1 for c in form.main if c <= output.channels]
        self._cue = [c - 1 for c in form.cue or () if c <= output.channels]
        ratio = output.sample_rate_hz / form.model_rate_hz
        self._block = round(form.block_samples * ratio)
        self._least_samples = form.ring_blocks * self._block
        self._most_samples = max(
            self._least_samples, self._enough_for(round(LARGEST_REQUEST_S * output.sample_rate_hz))
        )
        # Beyond what is wanted, room for one uneven block of the resampler, and one that fades.
        flush_samples = round(FLUSH_S * output.sample_rate_hz)
        self.ring = output.new_ring(self._most_samples + 3 * self._block + flush_samples)

    @property
    def has_room(self) -> bool:
        """Whether another block is wanted."""
        return self.ring.available + self._block <= self._wanted_samples

    @property
    def wanted_s(self) -> float:
        """How much sound the ring is to hold."""
        return self._wanted_samples / self.output.sample_rate_hz

    @property
    def waiting_s(self) -> float:
        """How much sound waits in the ring."""
        return self.ring.available / self.output.sample_rate_hz

    @property
    def delay_s(self) -> float:
        """From writing a sample to hearing it, without what waits in the ring."""
        return self.output.latency_s + self.resampler.latency_s

    def write(self, audio: Floats, cue: Floats | None = None) -> Floats:
        """Pass a block (C, T) on; the main pair's samples (T', C) at the output's rate."""
        if self._form.cue:
            audio = np.concatenate([audio, np.zeros_like(audio) if cue is None else cue])
        resampled = self.resampler.process(audio.T)
        channels = self._form.model_channels
        samples, cued = resampled[:, :channels], resampled[:, channels:]
        wide = np.zeros((len(samples), self.output.channels), np.float32)
        wide[:, self._main] = samples[:, : len(self._main)]
        wide[:, self._cue] = cued[:, : len(self._cue)]
        self.ring.write(wide)
        return samples

    def write_first(self, audio: Floats, cue: Floats | None = None) -> Floats:
        """Begin, where there was no sound, with a block (C, T)."""
        rise = self._rise(audio.shape[1])
        return self.write(*_faded(rise, audio, cue))

    def write_last(self, audio: Floats, cue: Floats | None = None) -> Floats:
        """End with a block (C, T), and silence behind."""
        rise = self._rise(audio.shape[1])
        silence = np.zeros((len(audio), round(FLUSH_S * self._form.model_rate_hz)), np.float32)
        samples = [self.write(*_faded(1 - rise, audio, cue)), self.write(silence)]
        self.ring.end()
        return np.concatenate(samples)

    @property
    def _wanted_samples(self) -> int:
        needed = self._enough_for(self.ring.largest_request)
        return min(max(self._least_samples, needed), self._most_samples)

    def _enough_for(self, request_samples: int) -> int:
        """What the ring has to be filled to for a device that takes so many samples at once.

        The ring lacks up to a block of being full, and the resampler's blocks are uneven.
        """
        return request_samples + 2 * self._block

    def _rise(self, samples: int) -> Floats:
        """From 0 to 1 without a corner, (T,)."""
        ramp = np.arange(samples) / (FADE_S * self._form.model_rate_hz)
        return np.asarray(np.sin(np.pi / 2 * np.minimum(ramp, 1.0)) ** 2, np.float32)


def _faded(gains: Floats, audio: Floats, cue: Floats | None) -> tuple[Floats, Floats | None]:
    return audio * gains, None if cue is None else cue * gains
