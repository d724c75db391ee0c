"""The player and the records, which all questions share."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from export.audio.arrays import Floats
from training.evaluate.context import EvaluationContext, SectionError, bar
from training.evaluate.heard.player import Player
from training.evaluate.heard.records import Record, draw_recordings, load_record
from training.report.comparison_pictures import loudest_db, spectrogram
from training.report.media_writer import MediaWriter

RECORDS = 8
"""Records are encoded once, for all questions."""


class Listening:
    """The context of a section whose sounds come from the engine."""

    def __init__(self, context: EvaluationContext, player: Player) -> None:
        self.context = context
        self.player = player

    @cached_property
    def _records(self) -> list[Record]:
        wanted = draw_recordings(self.context, min(RECORDS, max(self.context.clips, 2)))
        return [
            load_record(self.context, self.player, one, self.context.seconds)
            for one in bar(wanted, "loading records")
        ]

    def records(self, most: int) -> list[Record]:
        """The first records, ``most`` or as many as clips were asked for."""
        return self._records[: min(most, self.context.clips)]

    def pairs(self, most: int, apart: int) -> list[tuple[Record, Record]]:
        """Pairs of records that are ``apart`` places from each other in their circle.

        Raises:
            SectionError: there is only one recording.
        """
        if len(self._records) < 2:
            raise SectionError("two recordings are needed; hold more out with training.prepare")
        count = len(self._records)
        step = apart % count or 1
        chosen = range(min(most, self.context.clips, count))
        return [(self._records[n], self._records[(n + step) % count]) for n in chosen]

    def panels(
        self, name: str, record: Record, sounds: Mapping[str, Floats]
    ) -> list[dict[str, str]]:
        """Write stereo sounds (2, T) with spectrograms of their mids; return their files.

        All are at the record's rate, and on the scale of its loudest bin.
        """
        rate_hz = record.rate_hz
        media = MediaWriter(self.context.media.folder, rate_hz)
        top_db = loudest_db(record.mid(record.truth), rate_hz)
        return [
            {
                "title": title,
                "picture": media.picture(
                    f"{name}-{title}", spectrogram(record.mid(sound), rate_hz, top_db)
                ),
                "sound": media.sound(f"{name}-{title}", sound.T),
            }
            for title, sound in sounds.items()
        ]


Answer = dict[str, Any]
"""A question's figures: ``goals`` (``goals.judged``), and tables of its own."""
