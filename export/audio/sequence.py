"""An audio file as a sequence of latents: overlapping windows, encoded and crossfaded.

samples   |---------------------------------------|
windows   |---- 0 ----|     |---- 2 ----|               each half a clip after the previous one,
                |---- 1 ----|     |---- 3 ----|         the last ends with the file
structure  weights rise and fall linearly in each window and are divided by their sum
style      one for each window (the track) and their mean

The exporter makes library decks with it, the server all other decks; each passes its own function
to run the encoder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.audio import model_input as audio
from export.audio.arrays import Floats
from export.audio.errors import AudioError
from export.audio.model_input import Captured
from export.audio.stereo import Mid, Stereo, Watch
from export.bundle.format import Manifest

Encode = Callable[[Floats], tuple[Floats, Floats]]
"""One window (input_samples,) to style (D,) and structure (S, clip_ticks)."""

Progress = Callable[[float], None]
"""Called with the share of the file that is encoded, 0..1."""


@dataclass(frozen=True)
class Encoded:
    """One window: its first tick, style (D,) and structure (S, clip_ticks)."""

    start_tick: int
    style: Floats
    structure: Floats


@dataclass(frozen=True, eq=False)
class SoundSource:
    """A recording at the model's rate and loudness, and the gain that was applied.

    ``samples`` (T,) is what the encoder hears, ``pcm`` (T, 2) the same in stereo; ``mid`` are the
    shares of left and right in ``samples``. Both arrays are memory-mapped, so hours fit.
    """

    samples: Floats
    gain_db: float
    pcm: NDArray[np.int16]
    mid: Mid


@dataclass(frozen=True)
class Sequence:
    """A recording as latents: style_mean (D,), _track (W,D), _ticks (W,), structure (S,K).

    ``gain_db`` was applied to reach the model's loudness; ``seconds`` is the length.
    """

    style_mean: Floats
    style_track: Floats
    style_ticks: Floats
    structure: Floats
    gain_db: float
    seconds: float


def read_sound(
    path: str | Path,
    manifest: Manifest,
    pcm_path: Path | None = None,
    watch: Watch | None = None,
) -> SoundSource:
    """Read a file at the model's rate and loudness, its PCM into the file ``pcm_path`` if given.

    ``watch`` sees the blocks (T, 2) at the model's rate, but not its loudness, and may raise.

    Raises:
        AudioError: the file cannot be used; the message names it.
    """
    recording = audio.read_stereo(path, manifest.sample_rate_hz, watch=watch)
    return _at_the_models_loudness(str(path), recording, manifest, pcm_path)


def take_sound(captured: Captured, manifest: Manifest, pcm_path: Path | None = None) -> SoundSource:
    """Captured sound at the model's rate and loudness, its PCM in ``pcm_path`` if given.

    Raises:
        AudioError: it cannot be used; the message names it.
    """
    recording = audio.take_stereo(captured, manifest.sample_rate_hz)
    return _at_the_models_loudness(captured.name, recording, manifest, pcm_path)


def _at_the_models_loudness(
    name: str, recording: Stereo, manifest: Manifest, pcm_path: Path | None
) -> SoundSource:
    with audio.named(name):
        samples, gain = audio.normalised_mono(
            recording, manifest.sample_rate_hz, manifest.loudness_lufs
        )
        pcm = recording.pcm(gain, pcm_path)
        return SoundSource(samples, audio.decibels(gain), pcm, recording.mid)


def encode_sound(
    sound: SoundSource, manifest: Manifest, encode: Encode, progress: Progress = lambda share: None
) -> Sequence:
    """Encode a recording.

    Raises:
        AudioError: the encoder's output is not finite.
    """
    samples = sound.samples
    windows = list(_windows(samples, manifest, encode, progress))
    styles = np.stack([window.style for window in windows])
    centre = (manifest.clip_ticks - 1) / 2
    return Sequence(
        style_mean=styles.mean(axis=0),
        style_track=styles,
        style_ticks=np.array([w.start_tick + centre for w in windows], np.float32),
        structure=structure_track(windows, samples.size, manifest),
        gain_db=sound.gain_db,
        seconds=samples.size / manifest.sample_rate_hz,
    )


def crossfade_windows(windows: list[Encoded], ticks: int) -> Floats:
    """Crossfade the structure of overlapping windows linearly, to (S, ticks)."""
    dims, clip_ticks = windows[0].structure.shape
    position = np.arange(clip_ticks) + 0.5
    weights = np.minimum(position, clip_ticks - position)
    summed, weight = np.zeros((dims, ticks)), np.zeros(ticks)
    for window in windows:
        span = slice(window.start_tick, window.start_tick + clip_ticks)
        summed[:, span] += window.structure * weights
        weight[span] += weights
    return (summed / weight).astype(np.float32)


def _windows(
    samples: Floats, manifest: Manifest, encode: Encode, progress: Progress
) -> Iterator[Encoded]:
    clip, tick = manifest.clip_samples, manifest.tick_samples
    count = len(audio.window_starts(max(samples.size, clip), clip, tick))
    cut = audio.windows(samples, clip, manifest.context_samples, tick)
    for index, window in enumerate(cut):
        style, structure = encode(window.samples)
        if not (np.isfinite(style).all() and np.isfinite(structure).all()):
            raise AudioError("corrupt", "the encoder gave NaN or infinity for this file")
        yield Encoded(window.start_samples // tick, style, structure)
        progress((index + 1) / count)


def structure_track(windows: list[Encoded], samples: int, manifest: Manifest) -> Floats:
    """Structure of all windows as one track (S, K), as long as the file in whole ticks."""
    ticks = windows[-1].start_tick + manifest.clip_ticks
    # A file shorter than a clip was repeated for the encoder; the deck loops it once.
    length = max(min(samples // manifest.tick_samples, ticks), 1)
    if not manifest.has_structure:
        return np.resize(windows[0].structure.T, (length, windows[0].structure.shape[0])).T
    return crossfade_windows(windows, ticks)[:, :length]
