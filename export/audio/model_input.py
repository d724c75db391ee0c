"""The model's input from a recording: mono, resampled, normalised in loudness, cut into windows.

Training (``training.prepare``) and playing (the server's worker process) both use it, so that a
model gets the same input in play as in training. No torch; libraries are imported inside functions,
so importing this module costs numpy and nothing else.

Shape letters are those of ``model/config.py``: T samples, N frames, K ticks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from export.audio import loudness
from export.audio.arrays import Floats
from export.audio.sample_stream import SampleStream

Number = TypeVar("Number", bound=np.generic)

LOUDNESS_LUFS = -23.0
"""Integrated loudness of every normalised source (EBU R 128)."""

SHORTEST_S = 0.5
"""A shorter source is refused: it is too short for loudness gating, and for a loop."""

SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au")
"""Endings of audio files when a folder is searched."""

_RATES_HZ = (4_000, 768_000)
_READ_FRAMES = 1 << 16


class AudioError(ValueError):
    """A recording that cannot be used; ``reason`` is one of ``REASONS``."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[type[AudioError], tuple[str, str]]:
        # By default, an exception with two arguments cannot be unpickled from a worker process.
        return type(self), (self.reason, str(self))


REASONS = ("missing", "empty", "corrupt", "not finite", "too short", "silent")
"""Every ``AudioError.reason``."""


@dataclass(frozen=True, eq=False)
class Captured:
    """Mono sound (T,) captured from an input, not a file; ``name`` stands for it in messages."""

    name: str
    samples: Floats
    rate_hz: int


@dataclass(frozen=True)
class Window:
    """One input of the encoder, whose clip begins at ``start_samples`` of the recording.

    ``samples`` is (clip + context,) float32, half of the context on each side of the clip.
    """

    start_samples: int
    samples: Floats


def read_mono(path: str | Path, sample_rate_hz: int, shortest_s: float = SHORTEST_S) -> Floats:
    """Read any file that libsndfile knows as (T,) samples: mono, resampled by soxr (HQ).

    Raises:
        AudioError: missing, empty, corrupt or no audio, with NaN or infinities, too short.
    """
    source = Path(path)
    _require_file(source)
    return _whole(str(source), _read_blocks(source, sample_rate_hz), shortest_s)


def take_mono(sound: Captured, sample_rate_hz: int, shortest_s: float = SHORTEST_S) -> Floats:
    """Captured sound as ``read_mono`` would read it from a file.

    Raises:
        AudioError: empty, with NaN or infinities, too short.
    """
    mono = SampleStream(sound.rate_hz, sample_rate_hz, sound.samples.size)
    mono.add(sound.samples)
    return _whole(sound.name, mono, shortest_s)


def _whole(name: str, mono: SampleStream, shortest_s: float) -> Floats:
    if not mono.source_samples:
        raise AudioError("empty", f"{name}: holds no samples; give a file with sound in it")
    if not mono.is_finite:
        raise AudioError("not finite", f"{name}: holds NaN or infinite samples; export it again")
    seconds = mono.source_samples / mono.source_rate_hz
    if seconds < shortest_s:
        raise AudioError(
            "too short", f"{name}: lasts {seconds:.2f} s; at least {shortest_s:g} s are needed"
        )
    return mono.end()


def normalise_loudness(
    samples: Floats, sample_rate_hz: int, target_lufs: float = LOUDNESS_LUFS
) -> tuple[Floats, float]:
    """Scale (T,) samples to ``target_lufs`` (ITU-R BS.1770-4), with a peak of 1 at most.

    Returns:
        The samples and the gain in dB. If the gain would clip, a lower one is applied: dynamics are
        never changed.

    Raises:
        AudioError: silent (everything below BS.1770's gate of -70 LUFS) or too short to gate.
    """
    loudness_lufs = _loudness(samples, sample_rate_hz)
    gain = 10.0 ** ((target_lufs - loudness_lufs) / 20.0)
    peak = max(float(samples.max()), -float(samples.min()))
    gain = min(gain, 1.0 / peak)
    louder = samples * np.float32(gain)
    np.clip(louder, -1.0, 1.0, out=louder)  # the last bit of rounding only
    return louder.astype(np.float32, copy=False), 20.0 * float(np.log10(gain))


def repeat_to(samples: NDArray[Number], shortest_samples: int) -> NDArray[Number]:
    """Repeat samples (T,) end to end if they are fewer than ``shortest_samples``."""
    if not samples.size:
        raise AudioError("empty", "no samples to repeat")
    if samples.size >= shortest_samples:
        return samples
    return np.resize(samples, shortest_samples)


def window_starts(length_samples: int, clip_samples: int, grid_samples: int = 1) -> list[int]:
    """First samples of the encoder's clips: half overlapping, the last moved back to the end.

    ::

        |---------------- recording ----------------|
        |----clip----|     |----clip----|
               |----clip----|     |----clip----|          each half a clip after the previous one
                                     |----clip----|       the last ends with the recording

    Every start is a multiple of ``grid_samples`` (one tick, so that windows can be added tick by
    tick); the last one leaves out less than that. A recording shorter than a clip has one window;
    see ``repeat_to``.
    """
    last = max(length_samples - clip_samples, 0) // grid_samples * grid_samples
    step = max(clip_samples // 2 // grid_samples, 1) * grid_samples
    return [*range(0, last, step), last]


def cut_window(
    samples: Floats, start_samples: int, clip_samples: int, context_samples: int
) -> Floats:
    """Cut the encoder's input (clip + context,) for the clip at ``start_samples``.

    Half of the context is on each side, so frame n of the clip is centred at sample
    ``start + (n + 1/2) * hop``; beyond the recording's ends, samples are reflected. ``samples``
    must hold the whole clip.
    """
    first = start_samples - context_samples // 2
    end = first + clip_samples + context_samples
    missing = (max(-first, 0), max(end - samples.size, 0))
    inside = samples[max(first, 0) : min(end, samples.size)]
    return np.pad(inside, missing, mode="reflect") if any(missing) else inside


def windows(
    samples: Floats, clip_samples: int, context_samples: int, grid_samples: int = 1
) -> Iterator[Window]:
    """Yield every input of the encoder for the recording (T,); lazily, so that an hour fits.

    Raises:
        AudioError: there are no samples.
    """
    whole = repeat_to(samples, clip_samples)
    for start in window_starts(whole.size, clip_samples, grid_samples):
        yield Window(start, cut_window(whole, start, clip_samples, context_samples))


def _require_file(source: Path) -> None:
    if not source.exists():
        raise AudioError("missing", f"{source}: no such file; check the path")
    if not source.is_file():
        raise AudioError("missing", f"{source}: not a file; give one audio file")
    if not source.stat().st_size:
        raise AudioError("empty", f"{source}: the file is empty; copy or export it again")


def _read_blocks(source: Path, sample_rate_hz: int) -> SampleStream:
    """Read mono samples block by block, so that a long file is never in memory with all its
    channels or at its own rate."""
    import soundfile

    try:
        with source.open("rb") as stream, soundfile.SoundFile(stream) as sound:
            _require_rate(source, sound.samplerate)
            mono = SampleStream(int(sound.samplerate), sample_rate_hz, int(sound.frames))
            for block in _blocks(sound):
                mono.add(block.mean(axis=1, dtype=np.float32))
            return mono
    except (soundfile.SoundFileError, OSError, TypeError, RuntimeError) as error:
        raise AudioError(
            "corrupt",
            f"{source}: cannot be read as audio ({_one_line(error)}); "
            "wav, flac, ogg, opus, mp3, aiff and au can",
        ) from error


def _blocks(sound: Any) -> Iterator[Floats]:
    """Yield blocks (T, C) to the end of the file; a truncated MP3 has fewer than its header says.

    ``SoundFile.blocks`` follows the header, and would repeat the last block for the rest.
    """
    while (block := sound.read(_READ_FRAMES, dtype="float32", always_2d=True)).size:
        yield block


def _require_rate(source: Path, rate_hz: int) -> None:
    lowest, highest = _RATES_HZ
    if not lowest <= rate_hz <= highest:
        raise AudioError(
            "corrupt", f"{source}: says {rate_hz} Hz; {lowest} to {highest} Hz can be read"
        )


def _loudness(samples: Floats, sample_rate_hz: int) -> float:
    """Integrated loudness in LUFS of (T,) samples."""
    if samples.size < loudness.BLOCK_S * sample_rate_hz:
        raise AudioError(
            "too short", f"{samples.size} samples; loudness needs {loudness.BLOCK_S:g} s"
        )
    found_lufs = loudness.integrated_lufs(samples, sample_rate_hz)
    if not np.isfinite(found_lufs):
        raise AudioError("silent", "silent: nothing louder than -70 LUFS; give a file with sound")
    return found_lufs


def _one_line(error: Exception) -> str:
    text = getattr(error, "error_string", str(error))
    return " ".join(text.split()).rstrip(".") or type(error).__name__
