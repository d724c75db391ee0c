"""The last state of the instrument in a folder, for the instrument that starts after it died.

The folder belongs to the supervisor, is private and usually in memory:

    state     values, playhead, facts      five times a second
    motion    the recorded motion loop     when it changes
    deck-a    the music on deck A          when it changes
    arrays -> a folder on the disk: recordings and references, linked there as deck-a-1, deck-a-2

Each file replaces the previous one as a whole (``server.supervision.plain_data``). One that cannot
be read is logged and ignored: the next instrument starts without it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from export.bundle.atomic_write import atomic_write
from server.decks.array_files import path_of
from server.engine.deck import DeckData
from server.engine.playhead import PlayheadState
from server.osc.listeners import Listener
from server.supervision.motion_arrays import MotionArrays, MotionLoop, arrays_of, loop_of
from server.supervision.plain_data import Keep, keep_none, read_plain, write_plain
from server.supervision.protocol import ARRAYS, STATE

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
        self._links = count(time.time_ns())

    @property
    def has_state(self) -> bool:
        """True once an instrument has played: the next one goes on with its decks."""
        return (self._folder / STATE).exists()

    @property
    def arrays(self) -> Path | None:
        """The session's folder for large arrays; None where it has none."""
        folder = self._folder / ARRAYS
        return folder.resolve() if folder.is_dir() else None

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
        self._remove_files_of_the_dead()
        letters = sorted(path.name[-1] for path in self._folder.glob(f"{DECK}?"))
        decks = {letter: self._read(DECK + letter, DeckData) for letter in letters}
        return {letter: deck for letter, deck in decks.items() if deck is not None}

    def write_deck(self, letter: str, deck: DeckData) -> None:
        """Keep ``deck``, which is loaded on the deck ``letter``; its large arrays as links."""
        linked: list[str] = []

        def keep(array: NDArray[Any]) -> str | None:
            name = self._link(letter, array)
            linked.extend([name] if name else [])
            return name

        self._replace(DECK + letter, deck, keep)
        for path in self.arrays.glob(f"{DECK}{letter}-*") if self.arrays else ():
            if path.name not in linked:
                path.unlink(missing_ok=True)

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
                return read_plain(file, kind, self._find)
        except FileNotFoundError:
            return None
        except ValueError as error:
            why = " ".join(str(error).split())
            logger.warning("the last %s cannot be read (%.200s); starting without it", name, why)
            return None

    def _replace(self, name: str, value: object, keep: Keep = keep_none) -> None:
        with atomic_write(self._folder / name, mode=0o600, sync=False) as file:
            write_plain(file, value, keep)

    def _link(self, letter: str, array: NDArray[Any]) -> str | None:
        """Give the file of a large array a name of its own; None if it cannot have one."""
        path = path_of(array)
        if path is None or self.arrays is None or path.resolve().parent != self.arrays:
            return None
        name = f"{DECK}{letter}-{next(self._links)}"
        try:
            os.link(path, self.arrays / name)
        except OSError:  # gone, or a file system without links: it is written instead
            return None
        return name

    def _remove_files_of_the_dead(self) -> None:
        """Delete arrays that no process will delete; the links to those of loaded decks stay."""
        for path in self.arrays.iterdir() if self.arrays else ():
            process_id = path.name.split("-")[0]
            if process_id.isdecimal() and not _is_alive(int(process_id)):
                path.unlink(missing_ok=True)

    def _find(self, name: str) -> Path:
        if self.arrays is None or Path(name).name != name:
            raise ValueError(f"no array {name!r:.40}")
        return self.arrays / name


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
