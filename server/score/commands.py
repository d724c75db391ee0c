"""What the hands ask of the score recorder, and the answers."""

from __future__ import annotations

from server.controls import replies
from server.controls.events import Event, RecordScore, StopScore
from server.score.recorder import ScoreRecorder
from server.score.score_file import ScoreError
from server.system.callbacks import Soon

RECORD, STOP = "/score/record", "/score/stop"


class ScoreCommands:
    """Begins and ends recordings; used by the thread of the event loop."""

    def __init__(self, recorder: ScoreRecorder, soon: Soon) -> None:
        self._recorder = recorder
        self._soon = soon

    def __call__(self, event: Event) -> None:
        """Carry out ``event`` and answer it."""
        match event:
            case RecordScore(name=name):
                self._record(event, name)
            case StopScore():
                self._stop(event)

    def _record(self, event: Event, name: str) -> None:
        try:
            self._recorder.begin_named(name)
        except ScoreError as error:
            event.answer(replies.fail(RECORD, str(error)))
        else:
            event.answer(replies.done(RECORD, name))

    def _stop(self, event: Event) -> None:
        def closed(failure: str | None) -> None:
            self._soon(lambda: event.answer(replies.outcome(STOP, name, failure)))

        name = self._recorder.name
        try:
            self._recorder.end(closed)
        except ScoreError as error:
            event.answer(replies.fail(STOP, str(error)))
