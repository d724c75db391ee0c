"""Records a performance as a score: the engine's states, in the frames in which they changed.

    timeline --- states, frame by frame ---.
    engine ----- decks, as they are loaded-'-> queue -> thread "score" -> JSON lines

Whatever moved a control, OSC, MIDI, a gesture or a motion loop, the engine's state changed, and
that is recorded, once. The engine's thread only puts references into a queue; the recorder's own
thread works out and writes the differences, and each line is in the file before the next one
begins. A full disk ends the recording, not the sound. Captures are saved beside the score
(``captures``).

A recording from the start of a session sounds the same on playback. A later one begins with all
values, decks and the playhead of that moment; the rest of the state, the decoder's memory and the
random generators, starts over, which is audible for about a second.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import FileIO
from itertools import chain
from pathlib import Path
from queue import SimpleQueue

from server.controls.desk import Snapshot
from server.controls.playing import Playing
from server.engine.deck import DeckData
from server.score import lines
from server.score.captures import Captures
from server.score.score_file import ScoreError
from server.system.callbacks import Then
from server.system.new_files import creating, free_name, require_safe_name, write_all

logger = logging.getLogger(__name__)

SUFFIX = ".jsonl"
MAX_PENDING = 50_000
"""States that may wait to be written; a slower disk ends the recording."""

Moments = Sequence[tuple[int, Snapshot]]


@dataclass(frozen=True)
class _TakeBegins:
    frame: int
    state: Snapshot
    decks: Mapping[str, DeckData]
    position: float | None


@dataclass(frozen=True)
class _State:
    frame: int
    state: Snapshot


@dataclass(frozen=True)
class _DeckLoad:
    frame: int
    deck: str
    data: DeckData


@dataclass(frozen=True)
class _TakeEnds:
    frame: int


@dataclass(eq=False)
class _ScoreTake:
    """One recording: its file, the queue of changes, and the last state queued."""

    path: Path
    file: FileIO
    then: Then = lambda failure: None
    queue: SimpleQueue[_TakeBegins | _State | _DeckLoad | _TakeEnds] = field(
        default_factory=SimpleQueue
    )
    last: Snapshot | None = None
    is_over: bool = False
    failure: str | None = None


class ScoreRecorder:
    """``begin`` and ``end`` run in the event loop's thread, the callbacks in the engine's."""

    def __init__(self, head: str, frame_s: float, folder: Path) -> None:
        """``head`` is the first line; names are files in ``folder``."""
        self._head = head
        self._frame_s = frame_s
        self.folder = folder
        self._playing: Playing | None = None
        self._take: _ScoreTake | None = None
        self._threads: list[threading.Thread] = []
        self._loaded: dict[str, DeckData] = {}
        self._next_frame = 0
        self._block_frame = 0

    @property
    def name(self) -> str:
        """The file that is being recorded; empty where there is none."""
        take = self._take
        return "" if take is None or take.is_over else take.path.name

    def follow(self, playing: Playing) -> None:
        """Read positions from the model that plays; before the engine starts."""
        self._playing = playing

    def begin_named(self, name: str) -> Path:
        """Record into the folder from the next block on; return the file.

        Raises:
            ScoreError: the name is invalid or taken, or the file cannot be written.
        """
        require_safe_name(name, "a score", ScoreError)
        return self.begin(self.folder / (name if name.endswith(SUFFIX) else name + SUFFIX))

    def begin(self, path: Path) -> Path:
        """Record from the next block on into ``path``, which must be new.

        Raises:
            ScoreError: it exists already or cannot be written, or a recording is in progress.
        """
        if self.name:
            raise ScoreError(f"{self.name} is being recorded; /score/stop ends it")
        with creating(path, ScoreError):
            file = FileIO(path, "x")
        self._finish()
        take = _ScoreTake(path, file)
        thread = threading.Thread(
            target=_write,
            args=(take, self._head, self._frame_s, Captures(path, self.folder)),
            name="score",
            daemon=True,
        )
        self._threads = [*(other for other in self._threads if other.is_alive()), thread]
        thread.start()
        self._take = take
        return path

    def go_on(self, path: Path) -> None:
        """Continue the recording ``path`` of an instrument that has died, in the next free name."""
        try:
            self.begin(free_name(path))
        except ScoreError as error:
            logger.warning("the recording of the score does not continue: %s", error)

    def end(self, then: Then = lambda failure: None) -> None:
        """End the recording with the next block, and call ``then`` when it is closed.

        Raises:
            ScoreError: there is none.
        """
        take = self._take
        if take is None or take.is_over:
            raise ScoreError("no score is being recorded; /score/record begins one")
        take.then = then
        take.is_over = True

    def close(self) -> None:
        """End the recording and wait for its file; the engine must have stopped."""
        self._finish()
        for thread in self._threads:
            thread.join()

    def on_states(self, moments: Moments, next_frame: int) -> None:
        """Record the states of a block, each with its frame; in the engine's thread."""
        self._block_frame, self._next_frame = moments[0][0], next_frame
        take = self._take
        if take is None:
            return
        if take.queue.qsize() > MAX_PENDING:
            take.failure, take.is_over = "it cannot be written fast enough", True
        if take.is_over:
            self._finish()
            return
        for frame, state in moments:
            if take.last is None:
                position = self._position() if frame else None
                take.queue.put(_TakeBegins(frame, state, dict(self._loaded), position))
            elif state is not take.last:
                take.queue.put(_State(frame, state))
            take.last = state

    def on_deck_loaded(self, deck: str, data: DeckData) -> None:
        """Record a deck that was loaded in the present block; in the engine's thread."""
        self._loaded[deck] = data
        take = self._take
        if take is not None and take.last is not None:
            take.queue.put(_DeckLoad(self._block_frame, deck, data))

    def _position(self) -> float | None:
        return self._playing.newest.engine.position if self._playing else None

    def _finish(self) -> None:
        take, self._take = self._take, None
        if take is not None:
            take.queue.put(_TakeEnds(self._block_frame if take.is_over else self._next_frame))


def _write(take: _ScoreTake, head: str, frame_s: float, captures: Captures) -> None:
    """Write one recording; the recorder's thread."""
    complete_bytes = 0
    try:
        with take.file as file:
            try:
                for text in chain([head], _texts(take, frame_s, captures)):
                    write_all(file, text.encode())
                    complete_bytes = file.tell()
            finally:
                file.truncate(complete_bytes)  # no half-written lines
    except OSError as error:
        take.failure = f"cannot write '{take.path}' ({error.strerror or error})"
    except Exception as error:  # our own mistakes must not be silent either
        take.failure = repr(error)
    take.is_over = True
    if take.failure is not None:
        logger.warning("the score '%s' ends early: %s", take.path, take.failure)
    take.then(take.failure)


def _texts(take: _ScoreTake, frame_s: float, captures: Captures) -> Iterator[str]:
    """Yield the text of the score, in whole lines, as it arrives."""
    item = take.queue.get()
    if not isinstance(item, _TakeBegins):
        yield lines.end_line(0.0)
        return
    first, previous = item.frame, item.state
    begin = lines.changes_to_begin(previous, item.position)
    yield lines.lines_of(0.0, [*begin, *_loads(item.decks, captures)])
    while not isinstance(item, _TakeEnds):
        item = take.queue.get()
        time_s = (item.frame - first) * frame_s
        match item:
            case _State(state=state):
                changes = list(lines.changes_between(previous, state))
                previous = state
                yield lines.lines_of(time_s, changes)
            case _DeckLoad(deck=deck, data=data):
                yield lines.lines_of(time_s, _loads({deck: data}, captures))
    yield lines.end_line((item.frame - first) * frame_s)


def _loads(decks: Mapping[str, DeckData], captures: Captures) -> list[lines.Change]:
    """Return the changes that load these decks.

    Raises:
        OSError: a capture cannot be saved.
    """
    loads: list[lines.Change] = []
    for deck, data in decks.items():
        source = captures.source(data.captured) if data.captured else data.source
        if source and data.is_encoded:
            loads.append((f"/deck/{deck}/load", (source,)))
        elif source:
            loads.append((f"/deck/{deck}/hear", (source, round(data.gain_db, 4))))
        else:
            logger.warning("a score cannot load %s again, which is on deck %s", data.name, deck)
    return loads
