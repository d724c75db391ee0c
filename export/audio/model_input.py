"""How a recording becomes the model's input: read, mixed to mono, resampled, loudness, windows.

Training (``training.prepare``) and playing (the server's worker process) both go through here,
so that a model hears on stage what it heard in training. No torch; the libraries are imported
where they are used, so importing this module costs numpy and nothing else.

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
"""Integrated loudness that every source is brought to (EBU R 128)."""

SHORTEST_S = 0.5
"""A shorter source is refused: too little for loudness gating, and for a loop."""

SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au")
"""File name endings that a folder is searched for."""

_RATES_HZ = (4_000, 768_000)
_READ_FRAMES = 1 << 16


class AudioError(ValueError):
    """A recording that cannot be used; ``reason`` is one of the words of ``REASONS``."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[type[AudioError], tuple[str, str]]:
        # An exception with two arguments does not come back from a worker process by itself.
        return type(self), (self.reason, str(self))


REASONS = ("missing", "empty", "corrupt", "not finite", "too short", "silent")
"""Every ``AudioError.reason``."""


@dataclass(frozen=True, eq=False)
class Captured:
    """Mono sound (T,) that was never a file; ``name`` is what messages call it."""

    name: str
    samples: Floats
    rate_hz: int


@dataclass(frozen=True)
class Window:
    """One input of the encoder: ``start_samples`` is where its clip begins in the recording.

    ``samples`` is (clip + context,) float32, half of the context on each side of the clip.
    """

    start_samples: int
    samples: Floats


def read_mono(path: str | Path, sample_rate_hz: int, shortest_s: float = SHORTEST_S) -> Floats:
    """Any file libsndfile knows as (T,) samples: mean of its channels, resampled by soxr (HQ).

    Raises:
        AudioError: missing, empty, corrupt or no audio, with NaN or infinities, too short.
    """
    source = Path(path)
    _require_file(source)
    return _whole(str(source), _read_blocks(source, sample_rate_hz), shortest_s)


def take_mono(sound: Captured, sample_rate_hz: int, shortest_s: float = SHORTEST_S) -> Floats:
    """What was captured as ``read_mono`` would give it from a file.

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
        raise AudioError("not finite", f"{name}: holds NaN or infinite samples; export it anew")
    seconds = mono.source_samples / mono.source_rate_hz
    if seconds < shortest_s:
        raise AudioError(
            "too short", f"{name}: lasts {seconds:.2f} s; at least {shortest_s:g} s are needed"
        )
    return mono.end()


def normalise_loudness(
    samples: Floats, sample_rate_hz: int, target_lufs: float = LOUDNESS_LUFS
) -> tuple[Floats, float]:
    """Bring (T,) samples to ``target_lufs`` (ITU-R BS.1770-4), their peak to 1 at most.

    Returns:
        The samples and the gain in dB that was applied to them. Where the wanted gain would
        clip, a lower one is taken: dynamics are never touched.

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
    """The samples (T,), repeated end to end where they are fewer than ``shortest_samples``."""
    if not samples.size:
        raise AudioError("empty", "no samples to repeat")
    if samples.size >= shortest_samples:
        return samples
    return np.resize(samples, shortest_samples)


def window_starts(length_samples: int, clip_samples: int, grid_samples: int = 1) -> list[int]:
    """Where the encoder's clips begin: half overlapping, the last moved back to the end.

    ::

        |---------------- recording ----------------|
        |----clip----|     |----clip----|
               |----clip----|     |----clip----|          each half a clip after the one before
                                     |----clip----|       the last ends with the recording

    Every start is a multiple of ``grid_samples`` (one tick, so that windows can be laid over
    each other tick by tick); what the last one leaves out is less than that.
    A recording shorter than a clip has one window; see ``repeat_to``.
    """
    last = max(length_samples - clip_samples, 0) // grid_samples * grid_samples
    step = max(clip_samples // 2 // grid_samples, 1) * grid_samples
    return [*range(0, last, step), last]


def cut_window(
    samples: Floats, start_samples: int, clip_samples: int, context_samples: int
) -> Floats:
    """The encoder's input (clip + context,) for the clip at ``start_samples``.

    Half of the context lies on each side, so frame n of the clip is centred at sample
    ``start + (n + 1/2) * hop``; what lies beyond the recording's ends is reflected.
    ``samples`` must hold the whole clip.
    """
    before = context_samples // 2
    first, end = start_samples - before, start_samples + clip_samples + context_samples - before
    missing = (max(-first, 0), max(end - samples.size, 0))
    inside = samples[max(first, 0) : min(end, samples.size)]
    return np.pad(inside, missing, mode="reflect") if any(missing) else inside


def windows(
    samples: Floats, clip_samples: int, context_samples: int, grid_samples: int = 1
) -> Iterator[Window]:
    """Every input of the encoder for the recording (T,), lazily, so that an hour fits.

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
        raise AudioError("empty", f"{source}: the file is empty; copy or export it anew")


def _read_blocks(source: Path, sample_rate_hz: int) -> SampleStream:
    """Mono samples at the rate asked for, block by block.

    So that neither eight channels nor another rate of a long file are ever there as a whole.
    """
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
    """Blocks (T, C) as long as there are any: a truncated MP3 has fewer than its header says.

    ``SoundFile.blocks`` goes by the header, and would repeat the last block for the rest.
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
