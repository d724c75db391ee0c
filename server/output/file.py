"""The sound as a file: rendered as fast as it goes, complete or not there at all.

engine   |- latency -|-- S seconds -->        the first sample of the file is the first
file                 |-- S seconds --|        of what was decoded from position 0
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

from export.bundle.atomic_write import atomic_write
from export.bundle.format import Manifest
from server.output.protocol import OutputError
from server.system.arrays import Floats

FileKind = Literal["wav", "flac"]
SUBTYPE = "PCM_24"
"""Both formats have it, and its headers hold no time of day: same sound, same bytes."""


class Renders(Protocol):
    """What gives sound in blocks: an engine."""

    @property
    def manifest(self) -> Manifest:
        """Of the bundle that it plays."""

    def render(self, frames: int) -> Floats:
        """The next ``frames`` frames of sound, (C, frames*hop)."""


def render_file(
    engine: Renders,
    path: Path,
    kind: FileKind,
    seconds: float,
    block_frames: int,
    progress: Callable[[float], None] = lambda share: None,
) -> None:
    """Write exactly ``seconds`` of a playing engine at the model's rate.

    The file appears under its name when it is complete; what was there before stays till then.

    Raises:
        OutputError: the file cannot be written.
    """
    samples = round(seconds * engine.manifest.sample_rate_hz)
    with _new_file(path, kind, engine.manifest.sample_rate_hz, engine.manifest.channels) as sound:
        written = 0
        for block in _blocks(engine, samples, block_frames):
            sound.write(block.T)
            written += block.shape[1]
            progress(written / samples)


def _blocks(engine: Renders, samples: int, block_frames: int) -> Iterator[Floats]:
    """Blocks (C, T) that together are ``samples`` long, without the decoder's latency."""
    skip, left = engine.manifest.latency_samples, samples
    while left:
        block = engine.render(block_frames)
        heard = block[:, skip : skip + left]
        skip = max(skip - block.shape[1], 0)
        left -= heard.shape[1]
        if heard.size:
            yield heard


@contextmanager
def _new_file(path: Path, kind: FileKind, rate_hz: int, channels: int) -> Iterator[Any]:
    """A sound file that replaces ``path`` when the block ends well."""
    import soundfile

    try:
        if path.is_dir():
            raise OutputError(f"cannot write '{path}': it is a folder; name a file")
        with (
            atomic_write(path, mode=0o644, sync=False) as file,
            soundfile.SoundFile(
                file, "w", rate_hz, channels, subtype=SUBTYPE, format=kind.upper()
            ) as sound,
        ):
            yield sound
    except (OSError, soundfile.SoundFileError) as error:
        why = getattr(error, "strerror", None) or error
        raise OutputError(f"cannot write '{path}' ({why})") from error
