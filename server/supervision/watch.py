"""The instrument's own watch: keeps its state, and ends the process if the engine is stuck.

    five times a second: state -> folder;  engine's thread turns?  --- no, for 2 s ---> end

A thread that is stuck, in a call that never returns or in a deadlock, cannot report it, so this
counts looks that find no turn. On a busy machine looks become rarer together with blocks, and a
process that was stopped makes none: neither is mistaken for being stuck.
"""

from __future__ import annotations

import logging
import math
import os
import sys
from collections.abc import Callable
from typing import NoReturn, Protocol

from server.supervision.protocol import CRASHED
from server.supervision.state_keeper import INTERVAL_S, StateKeeper
from server.system.callbacks import Later

logger = logging.getLogger(__name__)

STUCK_S = 2.0


class HasTurns(Protocol):
    """A thread that renders blocks: ``server.output.producer.Producer``."""

    block_s: float
    turns: int
    """Grows as long as the thread is not stuck."""


class StuckWatch:
    """Finds out whether a thread is stuck, by looking at it again and again."""

    def __init__(self, thread: HasTurns) -> None:
        self._thread = thread
        # A block may take as long as it lasts.
        self._most_looks = math.ceil(max(STUCK_S, 2 * thread.block_s) / INTERVAL_S)
        self._turns, self._looks = -1, 0

    def is_stuck(self) -> bool:
        """Look once; return whether too many looks found no turn."""
        turns = self._thread.turns
        self._looks = self._looks + 1 if turns == self._turns else 0
        self._turns = turns
        return self._looks >= self._most_looks


class Watch:
    """Used by the thread of the event loop, from the first ``look`` to ``end``."""

    def __init__(
        self,
        keeper: StateKeeper,
        thread: HasTurns,
        later: Later,
        give_up: Callable[[], None] | None = None,
    ) -> None:
        """``give_up`` is called if the thread is stuck; by default the process ends."""
        self._keeper = keeper
        self._stuck = StuckWatch(thread)
        self._later = later
        self._give_up = give_up or _end
        self._is_over = False
        self._could_write = True

    def look(self) -> None:
        """Keep the state and look at the thread, now and every ``INTERVAL_S``."""
        if self._is_over:
            return
        self._write()
        if self._stuck.is_stuck():
            self._give_up()
            return
        self._later(INTERVAL_S, self.look)

    def end(self) -> None:
        """The program ends in good order: delete the state, so that nothing follows."""
        self._is_over = True
        self._keeper.folder.forget()

    def _write(self) -> None:
        try:
            self._keeper.write()
        except OSError as error:
            if self._could_write:
                logger.warning(
                    "the state cannot be kept (%s): after a crash, playing starts from scratch or "
                    "not at all",
                    error,
                )
            self._could_write = False
        else:
            self._could_write = True
        self._keeper.folder.touch()


def _end() -> NoReturn:
    """End at once: a thread that is stuck cannot be waited for."""
    print("python -m server: the engine is stuck in a block", file=sys.stderr, flush=True)
    os._exit(CRASHED)
