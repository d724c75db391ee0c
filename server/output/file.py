"""File output: renders as fast as possible; the file is complete or absent.

engine   |- latency -|-- S seconds -->        the file's first sample is the first one
file                 |-- S seconds --|        decoded from position 0
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from export.audio.arrays import Floats
from export.bundle.atomic_write import atomic_write
from export.bundle.format import Manifest
from server.engine.synthesis import CHANNELS
from server.output.kinds import OUTPUT_KINDS
from server.output.protocol import OutputError

SUBTYPE = "PCM_24"
"""Supported by both formats, and without a time of day in the header: same sound, same bytes."""


class Renderer(Protocol):
    """A source of sound in blocks, such as an engine."""

    @property
    def manifest(self) -> Manifest:
        """The manifest of the bundle that plays."""

    def render(self, frames: int) -> Floats:
        """Return the next ``frames`` frames of sound, (C, frames*hop)."""


def render_file(
    engine: Renderer,
    path: Path,
    kind: str,
    seconds: float,
    block_frames: int,
    progress: Callable[[float], None] = lambda share: None,
) -> None:
    """Write exactly ``seconds`` of a playing engine at the model's rate.

    ``kind`` is one of ``FILE_KINDS``. The file appears under its name when it is complete; an
    existing file stays until then.

    Raises:
        OutputError: the file cannot be written.
    """
    samples = round(seconds * engine.manifest.sample_rate_hz)
    with _new_file(path, kind, engine.manifest.sample_rate_hz, CHANNELS) as sound:
        written = 0
        for block in _blocks(engine, samples, block_frames):
            sound.write(block.T)
            written += block.shape[1]
            progress(written / samples)


def _blocks(engine: Renderer, samples: int, block_frames: int) -> Iterator[Floats]:
    """Yield blocks (C, T), ``samples`` long in total, without the decoder's latency."""
    skip, left = engine.manifest.latency_samples, samples
    while left:
        block = engine.render(block_frames)
        kept = block[:, skip : skip + left]
        skip = max(skip - block.shape[1], 0)
        left -= kept.shape[1]
        if kept.size:
            yield kept


@contextmanager
def _new_file(path: Path, kind: str, rate_hz: int, channels: int) -> Iterator[Any]:
    """A sound file that replaces ``path`` when the block ends well."""
    import soundfile

    try:
        if path.is_dir():
            raise OutputError(f"cannot write '{path}': it is a folder; name a file")
        with (
            atomic_write(path, mode=0o644, sync=False) as file,
            soundfile.SoundFile(
                file, "w", rate_hz, channels, subtype=SUBTYPE, format=OUTPUT_KINDS[kind].file_format
            ) as sound,
        ):
            yield sound
    except (OSError, soundfile.SoundFileError) as error:
        why = getattr(error, "strerror", None) or error
        raise OutputError(f"cannot write '{path}' ({why})") from error
