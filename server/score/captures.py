"""Live input captured while a score is recorded: saved beside the score, which loads it as a file.

Saved in 32-bit float at the input's rate, so that the encoder receives the same numbers again.
"""

from __future__ import annotations

import io
from itertools import count
from pathlib import Path

from export.audio.model_input import Captured


class Captures:
    """The captures of one score; used by the recorder's thread."""

    def __init__(self, score: Path, media: Path) -> None:
        self._score = score
        self._is_media = score.parent.resolve() == media.resolve()
        self._saved: dict[int, tuple[Captured, str]] = {}

    def source(self, captured: Captured) -> str:
        """Return what loads ``captured`` again: a name in the media folder, or a full path.

        Raises:
            OSError: it cannot be written.
        """
        if id(captured) not in self._saved:
            path = self._write(captured)
            source = path.name if self._is_media else str(path.resolve())
            self._saved[id(captured)] = (captured, source)  # kept, so that its id is not reused
        return self._saved[id(captured)][1]

    def _write(self, captured: Captured) -> Path:
        import soundfile  # on demand: most sessions capture nothing

        sound = io.BytesIO()
        soundfile.write(sound, captured.samples, captured.rate_hz, format="WAV", subtype="FLOAT")
        for number in count(len(self._saved) + 1):
            path = self._score.with_name(f"{self._score.stem} capture {number}.wav")
            try:
                with path.open("xb") as file:
                    file.write(sound.getbuffer())
            except FileExistsError:
                continue
            except OSError:
                path.unlink(missing_ok=True)  # no half-written files
                raise
            return path
        raise AssertionError("there is always a free number")
