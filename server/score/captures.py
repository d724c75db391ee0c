"""What was captured while a score is recorded: kept beside the score, which loads it as a file.

In 32-bit float at the rate of the input: the same numbers reach the encoder again.
"""

from __future__ import annotations

import io
from itertools import count
from pathlib import Path

from export.audio.model_input import Captured


class Captures:
    """The captures of one score; for the recorder's thread."""

    def __init__(self, score: Path, media: Path) -> None:
        self._score = score
        self._is_media = score.parent.resolve() == media.resolve()
        self._kept: dict[int, tuple[Captured, str]] = {}

    def source(self, captured: Captured) -> str:
        """What loads ``captured`` again: a name in the media folder, or a whole path.

        Raises:
            OSError: it cannot be written.
        """
        if id(captured) not in self._kept:
            path = self._write(captured)
            source = path.name if self._is_media else str(path.resolve())
            self._kept[id(captured)] = (captured, source)  # held, so that its id stays its own
        return self._kept[id(captured)][1]

    def _write(self, captured: Captured) -> Path:
        import soundfile  # not at the start: most sessions capture nothing

        sound = io.BytesIO()
        soundfile.write(sound, captured.samples, captured.rate_hz, format="WAV", subtype="FLOAT")
        for number in count(len(self._kept) + 1):
            path = self._score.with_name(f"{self._score.stem} capture {number}.wav")
            try:
                with path.open("xb") as file:
                    file.write(sound.getbuffer())
            except FileExistsError:
                continue
            except OSError:
                path.unlink(missing_ok=True)  # half a sound is none
                raise
            return path
        raise AssertionError("numbers do not end")
