"""A thread that reads and writes files, one task after the other.

A disk may be asleep, remote or full: neither controls nor engine wait for it. Each task is finished
and in order, including those still queued when the program ends.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from server.system.callbacks import Soon
from server.system.json_document import DocumentError

logger = logging.getLogger(__name__)

T = TypeVar("T")

MAX_QUEUED = 200
"""Tasks that may wait for a disk; a flood is refused."""


class FileWorker:
    """The thread; results are passed on by ``soon``."""

    def __init__(self, soon: Soon) -> None:
        self._soon = soon
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="saved")
        self._queued = 0

    def do(
        self, task: Callable[[], T], then: Callable[[T], None], failed: Callable[[str], None]
    ) -> None:
        """Run ``task`` in the thread, then ``then`` with its result or ``failed`` with a reason."""
        if self._queued >= MAX_QUEUED:
            failed("the disk of the configuration folder does not keep up; try again")
            return
        self._queued += 1
        self._thread.submit(task).add_done_callback(
            lambda future: self._soon(lambda: self._report(future, then, failed))
        )

    def stop(self) -> None:
        """Finish the queued tasks and end the thread."""
        self._thread.shutdown()

    def _report(
        self, future: Future[T], then: Callable[[T], None], failed: Callable[[str], None]
    ) -> None:
        self._queued -= 1
        try:
            result = future.result()
        except DocumentError as error:
            failed(str(error))
        except Exception as error:  # our own mistakes must not be silent
            logger.exception("an error with a file of the configuration folder")
            failed(f"{type(error).__name__}: {error}")
        else:
            then(result)
