"""The last state of the instrument in a folder, for the one that is started after it died.

The folder belongs to the supervisor, is private and mostly lies in memory. Each file replaces the
one before as a whole. Both sides are the same program on the same machine, so objects are pickled.
"""

from __future__ import annotations

import contextlib
import os
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export.bundle.atomic_write import atomic_write
from server.controls.events import SetControl
from server.engine.deck import DeckData
from server.osc.listeners import Listener
from server.supervision.agreement import STATE


@dataclass(frozen=True)
class Facts:
    """What the next instrument must know of the one before, besides its sound."""

    block_frames: int
    osc: tuple[str, int] | None = None
    """Where it listens."""
    output: str | None = None
    recording: Path | None = None
    """The file that what is heard was being recorded to."""
    listeners: tuple[Listener, ...] = ()
    ends_s: float | None = None
    """When it is to end by itself, by the clock that all processes share (``time.monotonic``)."""


@dataclass(frozen=True)
class LastState:
    """What the hands did, and where the music was.

    ``frames`` have been played. ``model`` is the one that was loaded, empty for that of the start.
    ``values`` and ``smoothing_s`` are by address. ``motion`` is the recorder's loop: changes by
    frame, and its length; ``playhead`` a pickled ``server.engine.playhead.Playhead``.
    """

    values: Mapping[str, tuple[float, ...]]
    smoothing_s: Mapping[str, tuple[float, ...]]
    playing: bool
    playhead: bytes
    facts: Facts
    frames: int = 0
    model: str = ""
    motion: tuple[Mapping[int, tuple[SetControl, ...]], int] | None = None


class StateFolder:
    """Where the state is kept; ``wait`` returns when this instrument may play."""

    def __init__(self, folder: Path, wait: Callable[[], None] = lambda: None) -> None:
        self._folder = folder
        self.wait = wait

    def read(self) -> LastState | None:
        """What the instrument before this one left; None where there was none."""
        state: LastState | None = self._load(STATE)
        return state

    def write(self, state: LastState) -> None:
        """Keep all but the decks."""
        self._save(STATE, state)

    def show_life(self) -> None:
        """Tell the parent that this instrument does not hang (``server.supervision.pulse``)."""
        with contextlib.suppress(OSError):  # the folder may be gone
            os.utime(self._folder / STATE)

    def forget(self) -> None:
        """Keep no state any more."""
        with contextlib.suppress(OSError):
            (self._folder / STATE).unlink()

    def read_decks(self) -> dict[str, DeckData]:
        """The decks that were kept, by their names."""
        names = sorted(path.name for path in self._folder.glob("deck-?"))
        return {name[-1]: self._load(name) for name in names}

    def write_deck(self, name: str, deck: DeckData) -> None:
        """Keep what lies on deck ``name``."""
        self._save(f"deck-{name}", deck)

    def _load(self, name: str) -> Any:
        try:
            return pickle.loads((self._folder / name).read_bytes())
        except FileNotFoundError:
            return None

    def _save(self, name: str, value: object) -> None:
        with atomic_write(self._folder / name, mode=0o600, sync=False) as file:
            pickle.dump(value, file, pickle.HIGHEST_PROTOCOL)
