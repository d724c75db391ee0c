"""Files are read and written in a thread of their own, one after the other.

A disk may sleep, be far away or full: neither the hands nor the engine wait for it. Each errand is
done whole and in order, also those that still wait when the program ends.
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

MAX_WAITING = 200
"""Errands that wait for a disk; whoever floods is refused."""


class FileWorker:
    """The thread; what came of an errand is told ``soon``."""

    def __init__(self, soon: Soon) -> None:
        self._soon = soon
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="saved")
        self._waiting = 0

    def do(
        self, errand: Callable[[], T], then: Callable[[T], None], failed: Callable[[str], None]
    ) -> None:
        """``errand`` in the thread, then what came of it: a result, or in one line why not."""
        if self._waiting >= MAX_WAITING:
            failed("the disk of the configuration folder does not keep up; try again")
            return
        self._waiting += 1
        self._thread.submit(errand).add_done_callback(
            lambda future: self._soon(lambda: self._tell(future, then, failed))
        )

    def stop(self) -> None:
        """Finish what waits; no more."""
        self._thread.shutdown()

    def _tell(
        self, future: Future[T], then: Callable[[T], None], failed: Callable[[str], None]
    ) -> None:
        self._waiting -= 1
        try:
            result = future.result()
        except DocumentError as error:
            failed(str(error))
        except Exception as error:  # a fault of ours must not be silent
            logger.exception("a file of the configuration folder")
            failed(f"{type(error).__name__}: {error}")
        else:
            then(result)
