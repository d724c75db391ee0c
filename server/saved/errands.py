"""Files are read and written in a thread of their own, one after the other.

A disk may sleep, be far away or full: neither the hands nor the engine wait for it. Each errand is
done whole and in order, also those that still wait when the program ends.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from server.saved.document import SavedError

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Errands:
    """The thread; ``soon`` brings a call back to the event loop's."""

    def __init__(self, soon: Callable[[Callable[[], None]], None]) -> None:
        self._soon = soon
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="saved")

    def do(
        self, errand: Callable[[], T], then: Callable[[T], None], failed: Callable[[str], None]
    ) -> None:
        """``errand`` in the thread, then what came of it: a result, or in one line why not."""
        self._thread.submit(errand).add_done_callback(
            lambda future: self._soon(lambda: _tell(future, then, failed))
        )

    def stop(self) -> None:
        """Finish what waits; no more."""
        self._thread.shutdown()


def _tell(future: Future[T], then: Callable[[T], None], failed: Callable[[str], None]) -> None:
    try:
        result = future.result()
    except SavedError as error:
        failed(str(error))
    except Exception as error:
        logger.exception("a file of the configuration folder")
        failed(f"{type(error).__name__}: {error}")
    else:
        then(result)
