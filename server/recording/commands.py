"""``/record``: asked, whether something is recorded; ``/record/start NAME``, ``/record/stop``."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from server.controls import replies
from server.controls.events import AskRecording, Event, Sender, StartRecording, StopRecording
from server.controls.feature import Feature, Handler
from server.controls.notify import Tell
from server.controls.replies import Argument, Reply
from server.recording.recorder import RecordingError, SoundRecorder
from server.system.callbacks import Soon

logger = logging.getLogger(__name__)

RECORD, START, STOP = "/record", "/record/start", "/record/stop"


class RecordingCommands(Feature):
    """Holds the recorder, and notifies clients of what happens to it."""

    def __init__(self, folder: Path, tell: Tell, soon: Soon) -> None:
        self.recorder = SoundRecorder(folder, self._report, self._over)
        self._tell = tell
        self._soon = soon
        self._starter: Sender | None = None

    def go_on(self, before: Path | None) -> None:
        """The instrument that recorded into ``before`` has died: into the next free name."""
        try:
            if before is not None:
                self.recorder.begin(before, is_free=True)
        except RecordingError as error:
            logger.warning("the recording does not go on: %s", error)

    def handlers(self) -> Mapping[type[Event], Handler]:
        """``/record``; a stop is answered when the file is whole."""
        return {
            AskRecording: lambda event: event.answer(self.present()),
            StartRecording: self._on_start,
            StopRecording: self._on_stop,
        }

    def present(self) -> Reply:
        """1 or 0, the name of the file and how many seconds, of the recording or the last one."""
        name = self.recorder.name or next(reversed(self.recorder.names), "")
        return Reply(RECORD, (int(bool(self.recorder.name)), name, self.recorder.seconds))

    def status(self) -> dict[str, Argument]:
        """The figures of ``/status.reply``."""
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
        self._tell(self.present(), event.reply_to)

    def _on_stop(self, event: StopRecording) -> None:
        names = self.recorder.names

        def closed(failure: str | None) -> None:
            answer = replies.fail(STOP, failure) if failure else replies.done(STOP, *names)
            self._soon(lambda: event.answer(answer))

        try:
            self.recorder.end(closed)
        except RecordingError as error:
            event.answer(replies.fail(STOP, str(error)))

    def _report(self) -> None:
        """Another file was begun; from the thread that writes."""
        self._soon(lambda: self._tell(self.present(), None))

    def _over(self, failure: str | None) -> None:
        """A recording has ended; from the thread that writes."""

        def tell() -> None:
            self._tell(self.present(), None)
            if failure is None:
                return
            failed = replies.fail(RECORD, failure)
            self._tell(failed, self._starter)
            if self._starter is not None:
                self._starter.reply(failed)

        self._soon(tell)
