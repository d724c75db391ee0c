"""What the instrument does while it plays for the one that may have to follow it.

    five times a second: state -> folder;  engine's thread comes round?  --- no, for 2 s ---> end

A thread that is stuck, in a call that never returns or waiting for itself, cannot say so; whoever
looks counts its own looks. On a busy machine they become rarer together with the blocks, and in a
process that was stopped for a while none is made: neither is taken for being stuck.
"""

from __future__ import annotations

import logging
import math
import os
import sys
from collections.abc import Callable
from typing import NoReturn, Protocol

from server.supervision.agreement import CRASHED
from server.supervision.keeping import INTERVAL_S, StateKeeper
from server.system.callbacks import Later

logger = logging.getLogger(__name__)

STUCK_S = 2.0


class HasTurns(Protocol):
    """A thread that renders blocks: ``server.output.producer.Producer``."""

    block_s: float
    turns: int
    """Counts as long as it is not stuck."""


class StuckWatch:
    """Looks at a thread again and again."""

    def __init__(self, thread: HasTurns) -> None:
        self._thread = thread
        # A block may take as long as it lasts.
        self._most_looks = math.ceil(max(STUCK_S, 2 * thread.block_s) / INTERVAL_S)
        self._turns, self._looks = -1, 0

    def is_stuck(self) -> bool:
        """Look; whether nothing has moved for too many looks."""
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
        """``give_up`` is called where the thread is stuck; by default the process ends."""
        self._keeper = keeper
        self._stuck = StuckWatch(thread)
        self._later = later
        self._give_up = give_up or _end
        self._is_over = False
        self._could_keep = True

    def look(self) -> None:
        """Keep the state and look, now and every ``INTERVAL_S``."""
        if self._is_over:
            return
        self._keep()
        if self._stuck.is_stuck():
            self._give_up()
            return
        self._later(INTERVAL_S, self.look)

    def end(self) -> None:
        """The end is wanted: nothing is to follow."""
        self._is_over = True
        self._keeper.forget()

    def _keep(self) -> None:
        try:
            self._keeper.write()
        except OSError as error:
            if self._could_keep:
                logger.warning(
                    "the state cannot be kept (%s): should it die now, it begins anew or not at "
                    "all",
                    error,
                )
            self._could_keep = False
        else:
            self._could_keep = True
        self._keeper.show_life()


def _end() -> NoReturn:
    """At once: a thread that is stuck cannot be waited for."""
    print("python -m server: the engine is stuck in a block", file=sys.stderr, flush=True)
    os._exit(CRASHED)
