"""The sound: what the desk says and the decks hold, rendered to audio, block by block.

    desk -> glide -+-> mixer (decks, playhead) -> + offsets -> session -> level -> gate -> limiter
                   '-----------------------------------------------------------^

No clock, no device, no thread: the same code plays live, renders files and is tested. All
random numbers come from one seeded generator, so the same calls give the same bits.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from export.bundle import Latents, Manifest
from server.deck import DeckData
from server.desk import Snapshot
from server.glide import Gate, Glide, ramp_between
from server.limiter import Limiter
from server.log_limit import LimitedLog
from server.mixer import Mixer
from server.playhead import Playhead
from server.session import Floats, Session

logger = logging.getLogger(__name__)

GATE_RAMP_S = 0.01


class SnapshotSource(Protocol):
    """Where the engine looks for the newest state of the hands."""

    def snapshot(self) -> Snapshot:
        """The newest state; never blocks."""


class Engine:
    """Renders blocks of frames; ``put_deck`` may be called from any thread, the rest from one."""

    def __init__(
        self,
        manifest: Manifest,
        latents: Latents,
        session: Session,
        desk: SnapshotSource,
        seed: int = 0,
    ) -> None:
        self.manifest = manifest
        self.playhead = Playhead()
        self.failed_blocks = 0
        self._log = LimitedLog(logger)
        self._latents = latents
        self._session = session
        self._desk = desk
        self._random = np.random.default_rng(seed)
        frame_s = manifest.hop_samples / manifest.sample_rate_hz
        self._glide = Glide(desk.snapshot().table.smoothing_s, frame_s)
        self._mixer = Mixer(manifest.frames_per_tick, frame_s)
        self._gate = Gate(round(GATE_RAMP_S * manifest.sample_rate_hz))
        self._limiter = Limiter(manifest.sample_rate_hz, manifest.hop_samples)
        self._waiting_decks: deque[tuple[str, DeckData]] = deque()
        self._gain_before: float | None = None
        self._panics = desk.snapshot().panics
        self._must_reset = False
        self._last_sample: Floats = np.zeros(manifest.channels, np.float32)

    def put_deck(self, name: str, deck: DeckData) -> None:
        """Lay ``deck`` onto deck ``a`` or ``b`` before the next block."""
        self._waiting_decks.append((name, deck))

    def render(self, frames: int) -> Floats:
        """The next ``frames`` frames of sound, (C, frames*hop) within +-1."""
        state = self._desk.snapshot()
        self._take_decks()
        values = self._glide.follow(state.values, frames)
        gains = self._output_gains(state, values)
        self._must_reset |= state.panics != self._panics
        self._panics = state.panics
        if self._must_reset and self._gate.is_shut:
            self._session.reset()
            self._must_reset = False
        is_open = state.playing and not self._mixer.is_empty and not self._must_reset
        if self._gate.is_shut and not is_open:
            return self._silence(frames)
        gains *= self._gate.follow(is_open, gains.size)
        return self._limiter.process(self._decode(state, values) * gains)

    def _take_decks(self) -> None:
        while self._waiting_decks:
            name, deck = self._waiting_decks.popleft()
            self._mixer.put(name, deck, fade=not self._gate.is_shut)

    def _output_gains(self, state: Snapshot, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Level and mute per sample, (N*hop,)."""
        level, mute = (_row(state, values, address) for address in ("/level", "/mute"))
        ends = 10 ** (level / 20) * (1 - mute)
        before = float(ends[0]) if self._gain_before is None else self._gain_before
        self._gain_before = float(ends[-1])
        return ramp_between(ends, before, self.manifest.hop_samples)

    def _silence(self, frames: int) -> Floats:
        self._last_sample[:] = 0
        samples = frames * self.manifest.hop_samples
        return self._limiter.process(np.zeros((self.manifest.channels, samples), np.float32))

    def _decode(self, state: Snapshot, values: NDArray[np.float64]) -> Floats:
        """Audio (C, N*hop) of the next frames, before any gain."""
        frames = values.shape[1]
        latent = self._mixer.read(
            self.playhead.advance(frames),
            _row(state, values, "/interp/style"),
            _row(state, values, "/interp/structure"),
        )
        offsets = values[list(state.table.slots["/latent"])]
        moved = self._latents.rotation.T @ (offsets * self._latents.spread[:, None])
        style = latent.style + moved.astype(np.float32)
        noise = self._random.standard_normal(
            (frames * self.manifest.spectra_per_frame, self.manifest.spectrum_bins), np.float32
        ).T
        audio = self._step(style, latent.structure, noise)
        self._last_sample = audio[:, -1].copy()
        return audio

    def _step(self, style: Floats, structure: Floats, noise: Floats) -> Floats:
        """One step of the session; what is no sound becomes a fade to silence and a fresh start."""
        try:
            audio = self._session.step(style, structure, noise)
            fault = "" if np.isfinite(audio).all() else "NaN or infinity"
        except Exception as error:  # ONNX Runtime's classes share no base; the sound goes on
            fault = str(error)
        if not fault:
            return audio
        self.failed_blocks += 1
        self._log.warning(f"the decoder gave no sound ({fault}); its state was cleared")
        self._session.reset()
        self._gate.shut()
        return self._fade_out(style.shape[1] * self.manifest.hop_samples)

    def _fade_out(self, samples: int) -> Floats:
        """From the last good sample to zero, (C, samples)."""
        ramp_samples = min(GATE_RAMP_S * self.manifest.sample_rate_hz, samples)
        fall = np.maximum(1 - np.arange(1, samples + 1) / ramp_samples, 0)
        return (self._last_sample[:, None] * fall).astype(np.float32)


def _row(state: Snapshot, values: NDArray[np.float64], address: str) -> NDArray[np.float64]:
    """The glided values (N,) of one control."""
    row: NDArray[np.float64] = values[state.table.slots[address][0]]
    return row
