"""Files of any kind as blocks of stereo samples, by PyAV (FFmpeg); the sound of videos too.

    file -> demuxer -> packets -> decoder -> frames -> two channels (``downmix``) -> blocks

A file may change its rate or channels on the way: each block says its rate, each frame is mixed by
its own channels. Packets that cannot be decoded are left out, as players do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from export.audio.arrays import Floats
from export.audio.downmix import to_stereo
from export.audio.errors import AudioError

_RATES_HZ = (4_000, 768_000)
_BLOCK_SAMPLES = 1 << 16
_OPTIONS = {"protocol_whitelist": "file"}
"""A playlist must not make us open a network address."""


@dataclass(frozen=True, eq=False)
class StereoBlock:
    """The next samples (T, 2) of a file, and their rate."""

    rate_hz: int
    samples: Floats


def stereo_blocks(source: Path) -> Iterator[StereoBlock]:
    """Yield the sound of a file, from beginning to end, in blocks of a second or two.

    Raises:
        AudioError: missing, empty, corrupt or without sound.
    """
    _require_file(source)
    waiting: list[Floats] = []
    rate_hz = size = 0
    for frame in _frames(source):
        if waiting and (size >= _BLOCK_SAMPLES or frame.sample_rate != rate_hz):
            yield StereoBlock(rate_hz, np.concatenate(waiting))
            waiting, size = [], 0
        rate_hz = int(frame.sample_rate)
        _require_rate(source, rate_hz)
        waiting.append(_stereo(frame))
        size += frame.samples
    if waiting:
        yield StereoBlock(rate_hz, np.concatenate(waiting))


def length_s(source: Path) -> float | None:
    """How long the file says it is; None where it does not, or cannot be read."""
    import av

    try:
        with av.open(str(source.absolute()), options=_OPTIONS) as container:
            duration = container.duration
    except (av.FFmpegError, OSError):
        return None
    return None if duration is None else float(duration) / av.time_base


def _require_file(source: Path) -> None:
    if not source.exists():
        raise AudioError("missing", f"{source}: no such file; check the path")
    if not source.is_file():
        raise AudioError("missing", f"{source}: not a file; give one audio file")
    if not source.stat().st_size:
        raise AudioError("empty", f"{source}: the file is empty; copy or export it again")


def _frames(source: Path) -> Iterator[Any]:
    """Yield the decoded frames; bad packets are left out unless there is nothing else."""
    import av

    try:
        with av.open(str(source.absolute()), options=_OPTIONS) as container:
            stream = container.streams.best("audio")
            if stream is None:
                raise _corrupt(source, "it holds no sound")
            stream.codec_context.thread_count = 1  # the low-priority process must stay small
            fault, has_frames = None, False
            for packet in container.demux(stream):
                try:
                    frames = packet.decode()
                except av.InvalidDataError as error:
                    fault = error
                    continue
                has_frames |= bool(frames)
                yield from frames
            if fault is not None and not has_frames:
                raise fault
    except (av.FFmpegError, OSError) as error:
        raise _corrupt(source, _one_line(error)) from error


def _stereo(frame: Any) -> Floats:
    """A frame's samples (T, 2); integers become -1..1."""
    names = tuple(channel.name for channel in frame.layout.channels)
    data = frame.to_ndarray()
    if not frame.format.is_planar:
        data = data.reshape(-1, len(names)).T
    if data.dtype == np.uint8:
        channels = (data.astype(np.float32) - 128) / np.float32(128)
    elif data.dtype.kind == "i":
        channels = data.astype(np.float32) * np.float32(-1 / np.iinfo(data.dtype).min)
    else:
        channels = data.astype(np.float32, copy=False)
    return to_stereo(channels, names)


def _require_rate(source: Path, rate_hz: int) -> None:
    lowest, highest = _RATES_HZ
    if not lowest <= rate_hz <= highest:
        raise AudioError(
            "corrupt", f"{source}: says {rate_hz} Hz; {lowest} to {highest} Hz can be read"
        )


def _corrupt(source: Path, why: str) -> AudioError:
    return AudioError(
        "corrupt",
        f"{source}: cannot be read as audio ({why}); wav, flac, mp3, m4a, ogg, opus, aiff, wma and "
        "most others can",
    )


def _one_line(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(text.split()).rstrip(".") or type(error).__name__
