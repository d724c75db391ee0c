"""The model's input from a recording: mono, resampled, normalised in loudness, cut into windows.

Training (``training.prepare``) and playing (the server's worker process) both use it, so that a
model gets the same input in play as in training. No torch; libraries are imported inside functions,
so importing this module costs numpy and nothing else.

Shape letters are those of ``model/config.py``: T samples, N frames, K ticks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from export.audio import loudness
from export.audio.arrays import Floats
from export.audio.decoding import stereo_blocks
from export.audio.errors import AudioError as AudioError
from export.audio.stereo import Stereo, StereoStream, Watch

Number = TypeVar("Number", bound=np.generic)

LOUDNESS_LUFS = -23.0
"""Integrated loudness of every normalised source (EBU R 128)."""

SHORTEST_S = 0.5
"""A shorter source is refused: it is too short for loudness gating, and for a loop."""

SUFFIXES = (
    *(".wav", ".w64", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".mp2", ".aif", ".aiff", ".aifc"),
    *(".au", ".caf", ".m4a", ".m4b", ".mp4", ".aac", ".alac", ".mka", ".webm", ".wma", ".ac3"),
    *(".amr", ".ape", ".dff", ".dsf", ".dts", ".mpc", ".ra", ".tak", ".tta", ".wv"),
)
"""Endings of audio files when a folder is searched; a file of any name can be given by itself."""

_BELOW_ONE = 1 - 2**-23
"""The largest peak: the last bit of rounding must not lead beyond 1."""


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


def read_stereo(
    path: str | Path,
    sample_rate_hz: int,
    shortest_s: float = SHORTEST_S,
    watch: Watch | None = None,
) -> Stereo:
    """Read any file that FFmpeg knows, in two channels, resampled by soxr (HQ).

    ``watch`` is called with each block (T, 2) at the new rate, as it is read; it may raise.

    Raises:
        AudioError: missing, empty, corrupt or no audio, with NaN or infinities, too short, no room
            on the disk.
    """
    source = Path(path)
    with named(source), closing(StereoStream(sample_rate_hz, watch)) as stream:
        for block in stereo_blocks(source):
            stream.add(block.samples, block.rate_hz)
        return _whole(stream, shortest_s)


def take_stereo(sound: Captured, sample_rate_hz: int, shortest_s: float = SHORTEST_S) -> Stereo:
    """Captured sound as ``read_stereo`` would read it from a file.

    Raises:
        AudioError: empty, with NaN or infinities, too short, no room on the disk.
    """
    with named(sound.name), closing(StereoStream(sample_rate_hz)) as stream:
        stream.add(np.stack([sound.samples] * 2, axis=1), sound.rate_hz)
        return _whole(stream, shortest_s)


def read_mono(path: str | Path, sample_rate_hz: int, shortest_s: float = SHORTEST_S) -> Floats:
    """Read any file as (T,) samples, the mid of its channels (``export.audio.stereo``).

    Raises:
        AudioError: as ``read_stereo``.
    """
    return read_stereo(path, sample_rate_hz, shortest_s).mono()


def _whole(stream: StereoStream, shortest_s: float) -> Stereo:
    if not stream.seconds:
        raise AudioError("empty", "holds no samples; give a file with sound in it")
    if not stream.is_finite:
        raise AudioError("not finite", "holds NaN or infinite samples; export it again")
    if stream.seconds < shortest_s:
        raise AudioError(
            "too short", f"lasts {stream.seconds:.2f} s; at least {shortest_s:g} s are needed"
        )
    return stream.end()


@contextmanager
def named(name: object) -> Iterator[None]:
    """Begin the messages of errors with the name of the sound."""
    try:
        yield
    except AudioError as error:
        text = str(error)
        if text.startswith(f"{name}: "):
            raise
        raise AudioError(error.reason, f"{name}: {text}") from error


def normalised_mono(
    sound: Stereo, sample_rate_hz: int, target_lufs: float = LOUDNESS_LUFS
) -> tuple[Floats, float]:
    """The mono sound (T,) of ``sound`` at ``target_lufs`` (ITU-R BS.1770-4), and the gain.

    The gain is a factor. If it would clip a channel, a lower one is applied: dynamics are never
    changed.

    Raises:
        AudioError: silent (everything below BS.1770's gate of -70 LUFS) or too short to gate.
    """
    gain = _gain(sound.mono(), sound.peak, sample_rate_hz, target_lufs)
    return sound.mono(gain), gain


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
    peak = max(float(samples.max()), -float(samples.min()))
    gain = _gain(samples, peak, sample_rate_hz, target_lufs)
    return samples * np.float32(gain), decibels(gain)


def _gain(samples: Floats, peak: float, sample_rate_hz: int, target_lufs: float) -> float:
    """The factor to ``target_lufs`` that leaves ``peak`` within 1."""
    gain = 10.0 ** ((target_lufs - _loudness(samples, sample_rate_hz)) / 20.0)
    return float(min(gain, _BELOW_ONE / peak))


def decibels(gain: float) -> float:
    """A factor in dB."""
    return 20.0 * float(np.log10(gain))


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
