"""Audio files of any kind, made by PyAV's encoders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import av
import numpy as np


def write_audio(
    path: Path,
    samples: np.ndarray,
    rate_hz: int,
    codec: str,
    layout: str = "stereo",
    container: str | None = None,
    options: Mapping[str, str] | None = None,
) -> Path:
    """Write ``samples`` (T, C) within +-1, at a rate that the codec knows; return ``path``."""
    with av.open(str(path), "w", format=container, options=dict(options or {})) as output:
        stream = output.add_stream(codec, rate=rate_hz, layout=layout, options=dict(options or {}))
        if not options:
            stream.bit_rate = 192_000
        wanted = stream.codec_context.format.name
        resampler = av.AudioResampler(format=wanted, layout=layout, rate=rate_hz)
        data = np.ascontiguousarray(samples.T, np.float32)
        frame = av.AudioFrame.from_ndarray(data, format="fltp", layout=layout)
        frame.sample_rate = rate_hz
        fifo = av.AudioFifo()
        for part in resampler.resample(frame):
            fifo.write(part)
        size = stream.codec_context.frame_size or 4096
        while part := fifo.read(size, partial=True):
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return path


def write_video(path: Path, samples: np.ndarray, rate_hz: int) -> Path:
    """Write a film of a black picture with the sound ``samples`` (T, 2)."""
    with av.open(str(path), "w") as output:
        picture = output.add_stream("mpeg4", rate=25)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        sound = output.add_stream("aac", rate=rate_hz, layout="stereo")
        for _ in range(len(samples) * 25 // rate_hz):
            black = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            output.mux(picture.encode(black))
        output.mux(picture.encode(None))
        data = np.ascontiguousarray(samples.T, np.float32)
        frame = av.AudioFrame.from_ndarray(data, format="fltp", layout="stereo")
        frame.sample_rate = rate_hz
        fifo = av.AudioFifo()
        fifo.write(frame)
        while part := fifo.read(1024, partial=True):
            output.mux(sound.encode(part))
        output.mux(sound.encode(None))
    return path
