"""Excerpts through a model as a performance plays them: windows, style mean, one stream."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from export.audio.arrays import Floats
from export.audio.model_input import window_starts
from export.audio.sequence import Encoded, crossfade_windows
from model.features import LogMelImage
from training.measures.excerpts import Excerpt, ExcerptLayout
from training.measures.model_grid import ModelGrid
from training.measures.voice import Posteriors, Voice


@dataclass(frozen=True)
class EncodedExcerpt:
    """The latents of one excerpt's stretch of N frames.

    ``styles`` (W, D) and ``deviations`` (W, D; None for older bundles) are each window's posterior;
    ``structure`` (S, K) is overlap-added from the windows.
    """

    styles: Floats
    deviations: Floats | None
    structure: Floats

    @property
    def style(self) -> Floats:
        """The mean over windows (D,), which is the style of a deck."""
        return np.asarray(self.styles.mean(axis=0), np.float32)


class ModelRenderer:
    """Encodes and plays excerpts of one layout with one voice."""

    def __init__(self, voice: Voice, frames: ExcerptLayout, seed: int) -> None:
        self.voice = voice
        self.layout = frames
        self.seed = seed
        self.features = LogMelImage(voice.grid.features)

    @property
    def grid(self) -> ModelGrid:
        """The voice's time and frequency grid."""
        return self.voice.grid

    @property
    def sample_rate_hz(self) -> int:
        """Sample rate of all sounds here."""
        return self.grid.sample_rate_hz

    def encode(self, excerpt: Excerpt) -> EncodedExcerpt:
        """Encode the stretch in half-overlapping windows, as when a file is loaded onto a deck."""
        grid, hop = self.grid, self.grid.hop_samples
        starts = window_starts(self.layout.stretch_frames, grid.clip_frames, grid.frames_per_tick)
        size = grid.clip_samples + grid.context_samples
        windows = np.stack([excerpt.samples[s * hop : s * hop + size] for s in starts])
        posteriors = self.voice.encode(windows)
        return EncodedExcerpt(
            posteriors.styles, posteriors.deviations, self._track(posteriors, starts)
        )

    def play(self, style: Floats, structure: Floats) -> Floats:
        """Decode style (D,) or (D, N) and structure (S, K) to the measured samples (T,)."""
        return self.cut(self.sound(style, self.at_frames(structure)))

    def sound(self, style: Floats, structure: Floats) -> Floats:
        """Decode style (D,) or (D, N) and structure (S, N) from silence: (N x hop - latency,)."""
        frames = structure.shape[1]
        held = np.broadcast_to(style.reshape(len(style), -1), (len(style), frames))
        return self.voice.play(held, structure, self.seed)[self.grid.latency_samples :]

    def cut(self, stretch: Floats) -> Floats:
        """The measured samples (T,) of a stretch."""
        first = self.layout.lead_frames * self.grid.hop_samples
        return stretch[first : first + self.layout.frames * self.grid.hop_samples]

    def image(self, samples: Floats) -> Floats:
        """Samples (T,) to the log-mel image (3, M, N); see ``LogMelImage``."""
        return np.asarray(self.features(torch.from_numpy(samples)[None])[0].numpy())

    def measured(self, image: Floats, beside: int = 0) -> Floats:
        """The measured frames of a stretch, (3, M, N), and ``beside`` more on each side."""
        first = self.layout.lead_frames
        return image[..., first - beside : first + self.layout.frames + beside]

    def at_frames(self, structure: Floats) -> Floats:
        """Structure (S, K) read at every frame of its ticks, (S, N)."""
        frames = np.arange(structure.shape[1] * self.grid.frames_per_tick)
        return self.read(structure, frames.astype(np.float64))

    def read(self, structure: Floats, frames: NDArray[np.float64]) -> Floats:
        """Structure (S, K) at fractional ``frames`` (N,), held at both ends: (S, N).

        Tick k is centred between its frames, as in ``model.decoder.ticks_to_frames``.
        """
        ticks = (frames + 0.5) / self.grid.frames_per_tick - 0.5
        ticks = np.clip(ticks, 0, structure.shape[1] - 1)
        below = np.minimum(ticks.astype(np.int64), max(structure.shape[1] - 2, 0))
        above = np.minimum(below + 1, structure.shape[1] - 1)
        share = (ticks - below).astype(np.float32)
        return structure[:, below] * (1 - share) + structure[:, above] * share

    def _track(self, posteriors: Posteriors, starts: list[int]) -> Floats:
        """The windows overlap-added to one track (S, K) over the stretch's ticks."""
        per_tick = self.grid.frames_per_tick
        ticks = self.layout.stretch_frames // per_tick
        structures = posteriors.structures
        if not self.grid.has_structure:
            return np.resize(structures[0].T, (ticks, structures.shape[1])).T.copy()
        none = np.zeros(0, np.float32)
        encoded = [
            Encoded(start // per_tick, none, structure)
            for start, structure in zip(starts, structures, strict=True)
        ]
        return crossfade_windows(encoded, ticks)
