"""The last state of the instrument in a folder, for the instrument that starts after it died.

The folder belongs to the supervisor, is private and usually in memory:

    state     values, playhead, facts      five times a second
    motion    the recorded motion loop     when it changes
    deck-a    the music on deck A          when it changes

Each file replaces the previous one as a whole (``server.supervision.plain_data``). One that cannot
be read is logged and ignored: the next instrument starts without it.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from export.bundle.atomic_write import atomic_write
from server.engine.deck import DeckData
from server.engine.playhead import PlayheadState
from server.osc.listeners import Listener
from server.supervision.motion_arrays import MotionArrays, MotionLoop, arrays_of, loop_of
from server.supervision.plain_data import read_plain, write_plain
from server.supervision.protocol import STATE

logger = logging.getLogger(__name__)

MOTION = "motion"
DECK = "deck-"

T = TypeVar("T")


@dataclass(frozen=True)
class Facts:
    """Facts of this instrument that the next one must know, besides its sound."""

    block_frames: int
    osc: tuple[str, int] | None = None
    """Where it listens."""
    output: str | None = None
    recording: Path | None = None
    """The file to which the output is recorded."""
    listeners: tuple[Listener, ...] = ()
    ends_s: float | None = None
    """When it is to end by itself, by the clock that all processes share (``time.monotonic``)."""


@dataclass(frozen=True)
class LastState:
    """The values of all controls, and where the music was.

    ``values`` and ``smoothing_s`` are by address. ``model`` is the one that was loaded, empty for
    that of the start; ``frames`` is how many have been played.
    """

    values: Mapping[str, tuple[float, ...]]
    smoothing_s: Mapping[str, tuple[float, ...]]
    playing: bool
    playhead: PlayheadState
    facts: Facts
    frames: int = 0
    model: str = ""


class StateFolder:
    """Where the state is kept; ``wait`` returns when this instrument may play."""

    def __init__(self, folder: Path, wait: Callable[[], None] = lambda: None) -> None:
        self._folder = folder
        self.wait = wait

    def read(self) -> LastState | None:
        """Return what the previous instrument left; None if there was none."""
        return self._read(STATE, LastState)

    def write(self, state: LastState) -> None:
        """Keep ``state``.

        Raises:
            OSError: it cannot be written; the previous one is kept.
        """
        self._replace(STATE, state)

    def read_motion(self) -> MotionLoop | None:
        """Return the motion loop that was kept."""
        arrays = self._read(MOTION, MotionArrays)
        return None if arrays is None else loop_of(arrays)

    def write_motion(self, loop: MotionLoop | None) -> None:
        """Keep the motion loop ``loop``, or that there is none."""
        if loop is None:
            (self._folder / MOTION).unlink(missing_ok=True)
        else:
            self._replace(MOTION, arrays_of(loop))

    def read_decks(self) -> dict[str, DeckData]:
        """Return the decks that were kept, by their letters."""
        letters = sorted(path.name[-1] for path in self._folder.glob(f"{DECK}?"))
        decks = {letter: self._read(DECK + letter, DeckData) for letter in letters}
        return {letter: deck for letter, deck in decks.items() if deck is not None}

    def write_deck(self, letter: str, deck: DeckData) -> None:
        """Keep ``deck``, which is loaded on the deck ``letter``."""
        self._replace(DECK + letter, deck)

    def touch(self) -> None:
        """Show the parent that this instrument does not hang (``server.supervision.heartbeat``)."""
        with contextlib.suppress(OSError):  # the folder may be gone
            os.utime(self._folder / STATE)

    def forget(self) -> None:
        """Delete the state: no instrument follows one that ends in good order."""
        with contextlib.suppress(OSError):
            (self._folder / STATE).unlink()

    def _read(self, name: str, kind: type[T]) -> T | None:
        try:
            with (self._folder / name).open("rb") as file:
                return read_plain(file, kind)
        except FileNotFoundError:
            return None
        except ValueError as error:
            why = " ".join(str(error).split())
            logger.warning("the last %s cannot be read (%.200s); starting without it", name, why)
            return None

    def _replace(self, name: str, value: object) -> None:
        with atomic_write(self._folder / name, mode=0o600, sync=False) as file:
            write_plain(file, value)
