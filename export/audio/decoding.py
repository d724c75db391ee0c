"""Files of any kind as blocks of stereo samples, by PyAV (FFmpeg); the sound of videos too.

    file -> demuxer -> packets -> decoder -> frames -> two channels (``downmix``) -> blocks

A file may change its rate or channels on the way: each block says its rate, each frame is mixed by
its own channels. Packets that cannot be decoded are left out, as players do.
"""

from __future__ import annotations

from collections import deque
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
_MOST_PADDING = 8192
"""The longest packet of Vorbis."""
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
    for frame, samples in _frames(source):
        if waiting and (size >= _BLOCK_SAMPLES or frame.sample_rate != rate_hz):
            yield StereoBlock(rate_hz, np.concatenate(waiting))
            waiting, size = [], 0
        rate_hz = int(frame.sample_rate)
        _require_rate(source, rate_hz)
        waiting.append(_stereo(frame)[:samples])
        size += samples
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


def _frames(source: Path) -> Iterator[tuple[Any, int]]:
    """Yield the decoded frames, and how many samples of each to keep."""
    import av

    try:
        with av.open(str(source.absolute()), options=_OPTIONS) as container:
            stream = container.streams.best("audio")
            if stream is None:
                raise _corrupt(source, "it holds no sound")
            stream.codec_context.thread_count = 1  # the low-priority process must stay small
            is_vorbis = stream.codec_context.name == "vorbis"
            length = stream.duration if is_vorbis else None
            yield from _without_padding(_decoded(container, stream), length)
    except (av.FFmpegError, OSError) as error:
        raise _corrupt(source, _one_line(error)) from error


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    """Yield frames; packets that cannot be decoded are left out unless there is nothing else."""
    import av

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


def _without_padding(frames: Iterator[Any], length: int | None) -> Iterator[tuple[Any, int]]:
    """Yield frames, and how many samples of each to keep for ``length`` samples in all.

    FFmpeg does not cut all of the padding at the end of Ogg Vorbis, which would be a gap in a loop.
    More than padding is the next file of a chain, and stays.
    """
    last: deque[Any] = deque()
    total = held = 0
    for frame in frames:
        last.append(frame)
        total, held = total + frame.samples, held + frame.samples
        while held - last[0].samples >= _MOST_PADDING:
            first = last.popleft()
            held -= first.samples
            yield first, first.samples
    excess = total - length if length is not None else 0
    kept = held - excess if 0 < excess < _MOST_PADDING else held
    for frame in last:
        yield frame, max(min(frame.samples, kept), 0)
        kept -= frame.samples


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
