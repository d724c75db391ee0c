"""TensorBoard's event file for one session of a stage, written without a background thread.

torch's ``SummaryWriter`` hands everything to a thread, which on a full disk prints a traceback and
ends training with the next figure. A log is not worth that.
"""

from __future__ import annotations

import logging
import os
import platform
import time
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

logger = logging.getLogger(__name__)

FORMAT = "brain.Event:2"


class EventFile:
    """Figures and pictures by step; if it cannot be written, one warning, and it ends there.

    From ``first_step`` on, TensorBoard hides the steps of earlier sessions, which were lost.
    """

    def __init__(self, folder: Path, first_step: int) -> None:
        name = f"events.out.tfevents.{time.time():.6f}.{platform.node()}.{os.getpid()}"
        self.path = folder / name
        self._whole = True
        self._write(Event(file_version=FORMAT))
        self._write(Event(step=first_step, session_log=SessionLog(status=SessionLog.START)))

    def add(self, summary: Summary, step: int) -> None:
        """Write one figure or picture."""
        self._write(Event(summary=summary, step=step))

    def _write(self, event: Event) -> None:
        if not self._whole:
            return
        event.wall_time = time.time()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                RecordWriter(file).write(event.SerializeToString())
        except OSError as error:
            # Nothing after a torn record can be read, so nothing more goes into this file.
            self._whole = False
            logger.warning("%s: %s; training goes on without it", self.path, error.strerror)
