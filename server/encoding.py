"""From an audio file to a deck: the bundle's encoder over overlapping windows, laid together.

samples   |---------------------------------------|
windows   |---- 0 ----|     |---- 2 ----|               each half a clip after the one before,
                |---- 1 ----|     |---- 3 ----|         the last ends with the file
structure  weights rise and fall linearly in each window and are divided by their sum
style      one for each window (the track) and their mean
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from export import audio
from export.audio import AudioError
from export.bundle import Manifest
from server.deck import DeckData
from server.runtime import RuntimeOptions, open_model
from server.session import Floats

Progress = Callable[[float], None]
"""Told the share of the file that is encoded, 0..1."""


@dataclass(frozen=True)
class Encoded:
    """One window: its first tick, style (D,) and structure (S, clip_ticks)."""

    start_tick: int
    style: Floats
    structure: Floats


class DeckEncoder:
    """Puts audio files on decks with the encoder of a bundle.

    Raises:
        RuntimeUnavailable: the encoder does not load.
    """

    def __init__(self, manifest: Manifest, encoder_onnx: bytes, options: RuntimeOptions) -> None:
        self._manifest = manifest
        self._session = open_model(encoder_onnx, options)

    def encode(self, path: str | Path, progress: Progress = lambda share: None) -> DeckData:
        """The deck of one file.

        Raises:
            AudioError: the file cannot be used; the message names it.
        """
        manifest = self._manifest
        recording = audio.read_mono(path, manifest.sample_rate_hz)
        try:
            samples, gain_db = audio.normalise_loudness(
                recording.samples, manifest.sample_rate_hz, manifest.loudness_lufs
            )
        except AudioError as error:
            raise AudioError(error.reason, f"{path}: {error}") from error
        windows = list(self._windows(samples, progress))
        styles = np.stack([window.style for window in windows])
        centre = (manifest.clip_ticks - 1) / 2
        return DeckData(
            name=Path(path).stem,
            style_mean=styles.mean(axis=0),
            style_track=styles,
            style_ticks=np.array([w.start_tick + centre for w in windows], np.float32),
            structure=self._structure(windows, samples.size),
            gain_db=gain_db,
            seconds=samples.size / manifest.sample_rate_hz,
        )

    def _windows(self, samples: Floats, progress: Progress) -> Iterator[Encoded]:
        manifest = self._manifest
        clip, tick = manifest.clip_samples, manifest.tick_samples
        count = len(audio.window_starts(max(samples.size, clip), clip, tick))
        cut = audio.windows(samples, clip, manifest.context_samples, tick)
        for index, window in enumerate(cut):
            style, structure = self._session.run(
                ["style", "structure"], {"audio": window.samples[None]}
            )
            if not (np.isfinite(style).all() and np.isfinite(structure).all()):
                raise AudioError("corrupt", "the encoder gave NaN or infinity for this file")
            yield Encoded(window.start_samples // tick, style[0], structure[0])
            progress((index + 1) / count)

    def _structure(self, windows: list[Encoded], samples: int) -> Floats:
        """All windows in one track (S, K), as long as the file in whole ticks."""
        ticks = windows[-1].start_tick + self._manifest.clip_ticks
        # A file shorter than a clip was repeated for the encoder; the deck loops it once.
        length = max(min(samples // self._manifest.tick_samples, ticks), 1)
        if not self._manifest.has_structure:
            return np.resize(windows[0].structure.T, (length, windows[0].structure.shape[0])).T
        return lay_together(windows, ticks)[:, :length]


def lay_together(windows: list[Encoded], ticks: int) -> Floats:
    """Structure (S, ticks) of overlapping windows, cross-faded linearly where they overlap."""
    dims, clip_ticks = windows[0].structure.shape
    position = np.arange(clip_ticks) + 0.5
    weights = np.minimum(position, clip_ticks - position)
    summed, weight = np.zeros((dims, ticks)), np.zeros(ticks)
    for window in windows:
        span = slice(window.start_tick, window.start_tick + clip_ticks)
        summed[:, span] += window.structure * weights
        weight[span] += weights
    return (summed / weight).astype(np.float32)
