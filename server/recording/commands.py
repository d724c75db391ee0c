"""Commands of recording: ``/record/start NAME``, ``/record/stop``, and the query ``/record``."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from server.controls import replies
from server.controls.events import Event, QueryRecording, Sender, StartRecording, StopRecording
from server.controls.feature import Feature, Handler
from server.controls.notify import NotifyClients
from server.controls.replies import Argument, Reply
from server.recording.recorder import RecordingError, SoundRecorder
from server.system.callbacks import Soon

logger = logging.getLogger(__name__)

RECORD, START, STOP = "/record", "/record/start", "/record/stop"


class RecordingCommands(Feature):
    """Starts and stops the recorder, and notifies clients of its state."""

    def __init__(self, folder: Path, notify: NotifyClients, soon: Soon) -> None:
        self.recorder = SoundRecorder(folder, self._on_new_file, self._on_end)
        self._notify = notify
        self._soon = soon
        self._starter: Sender | None = None

    def resume(self, previous: Path | None) -> None:
        """Continue a recording of the ``previous`` instrument, under the next free name."""
        try:
            if previous is not None:
                self.recorder.begin(previous, is_free=True)
        except RecordingError as error:
            logger.warning("the recording does not continue: %s", error)

    def handlers(self) -> Mapping[type[Event], Handler]:
        """``/record``, ``/record/start`` and ``/record/stop``."""
        return {
            QueryRecording: lambda event: event.answer(self.state()),
            StartRecording: self._on_start,
            StopRecording: self._on_stop,
        }

    def state(self) -> Reply:
        """Return whether it records (1 or 0), and name and seconds of the newest recording."""
        name = self.recorder.name or next(reversed(self.recorder.names), "")
        return Reply(RECORD, (int(bool(self.recorder.name)), name, self.recorder.seconds))

    def status(self) -> dict[str, Argument]:
        """Return its figures of ``/status.reply``."""
        return {
            "recording": self.recorder.name,
            "recorded_s": self.recorder.seconds,
            "recording_lost_s": self.recorder.lost_s,
        }

    def _on_start(self, event: StartRecording) -> None:
        try:
            path = self.recorder.begin_named(event.name)
        except RecordingError as error:
            event.answer(replies.fail(START, str(error)))
            return
        self._starter = event.reply_to
        event.answer(replies.done(START, path.name))
        self._notify(self.state(), event.reply_to)

    def _on_stop(self, event: StopRecording) -> None:
        """Stop, and answer when the file is complete."""
        names = self.recorder.names

        def closed(failure: str | None) -> None:
            answer = replies.fail(STOP, failure) if failure else replies.done(STOP, *names)
            self._soon(lambda: event.answer(answer))

        try:
            self.recorder.end(closed)
        except RecordingError as error:
            event.answer(replies.fail(STOP, str(error)))

    def _on_new_file(self) -> None:
        """Notify clients that the recording continues in another file (writer's thread)."""
        self._soon(lambda: self._notify(self.state(), None))

    def _on_end(self, failure: str | None) -> None:
        """Notify clients that the recording has ended (writer's thread)."""

        def report() -> None:
            self._notify(self.state(), None)
            if failure is None:
                return
            failed = replies.fail(RECORD, failure)
            self._notify(failed, self._starter)
            if self._starter is not None:
                self._starter.reply(failed)

        self._soon(report)
