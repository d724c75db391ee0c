"""The commands ``/score/record NAME`` and ``/score/stop``."""

from __future__ import annotations

from collections.abc import Mapping

from server.controls import replies
from server.controls.events import Event, RecordScore, StopScore
from server.controls.feature import Feature, Handler
from server.score.recorder import ScoreRecorder
from server.score.score_file import ScoreError
from server.system.callbacks import Soon

RECORD, STOP = "/score/record", "/score/stop"


class ScoreCommands(Feature):
    """Starts and stops recordings of scores; used by the event loop's thread."""

    def __init__(self, recorder: ScoreRecorder, soon: Soon) -> None:
        self._recorder = recorder
        self._soon = soon

    def handlers(self) -> Mapping[type[Event], Handler]:
        """``/score/record`` and ``/score/stop``."""
        return {RecordScore: self._on_record, StopScore: self._on_stop}

    def _on_record(self, event: RecordScore) -> None:
        try:
            self._recorder.begin_named(event.name)
        except ScoreError as error:
            event.answer(replies.fail(RECORD, str(error)))
        else:
            event.answer(replies.done(RECORD, event.name))

    def _on_stop(self, event: StopScore) -> None:
        def closed(failure: str | None) -> None:
            self._soon(lambda: event.answer(replies.outcome(STOP, name, failure)))

        name = self._recorder.name
        try:
            self._recorder.end(closed)
        except ScoreError as error:
            event.answer(replies.fail(STOP, str(error)))
