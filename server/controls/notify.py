"""Those who want to be told what changes: ``/notify 1`` enters, ``/notify 0`` leaves.

    events of any origin -> changed(events) --- 10 ms ---> present values -> all but who set them

What changed within 10 ms is told once, with the newest value. Whoever sends over UDP and has said
nothing for five minutes is taken for gone (``/notify 1`` or anything else renews it); a TCP
connection tells of its end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from server.controls import replies
from server.controls.control import Control, ControlTable
from server.controls.desk import Desk, Snapshot
from server.controls.events import (
    Event,
    ModelSwitched,
    MorphStep,
    Notify,
    Panic,
    Play,
    PlayNote,
    Sender,
    SetControl,
    Stop,
)
from server.controls.feature import Feature, Handler
from server.controls.replies import Reply
from server.system.callbacks import Later

MAX_CLIENTS = 32
PATIENCE_S = 300.0
INTERVAL_S = 0.01


Tell = Callable[[Reply, Sender | None], None]
"""``Notifier.tell``."""


class TooManyClients(RuntimeError):
    """Nobody else can be told."""


@dataclass
class _Client:
    number: int
    heard_s: float


@dataclass
class _Changes:
    """What moved since it was last told, and who moved it last."""

    makers: dict[str, Sender | None] = field(default_factory=dict)
    panic: bool = False
    is_due: bool = False


class Notifier(Feature):
    """Tells registered clients; used by the thread of the event loop only."""

    def __init__(
        self, desk: Desk, later: Later, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._desk = desk
        self._later = later
        self._clock_s = clock_s
        self._clients: dict[Sender, _Client] = {}
        self._numbered = 0
        self._told = desk.snapshot()
        self._changes = _Changes()

    def handlers(self) -> Mapping[type[Event], Handler]:
        """``/notify``."""
        return {Notify: self._on_notify}

    @property
    def clients(self) -> int:
        """How many are told."""
        return len(self._clients)

    def enter(self, sender: Sender) -> int:
        """Tell ``sender`` from now on; its number, the same one when it asks again.

        Raises:
            TooManyClients: there is no place left.
        """
        self._drop_the_gone()
        if sender not in self._clients:
            if len(self._clients) >= MAX_CLIENTS:
                raise TooManyClients(
                    f"{MAX_CLIENTS} clients are told of changes; at most that many"
                )
            if not self._clients:
                self._told = self._desk.snapshot()
            self._clients[sender] = _Client(self._numbered, self._clock_s())
            self._numbered += 1
        return self._clients[sender].number

    @property
    def numbered(self) -> Iterator[tuple[Sender, int]]:
        """All who are told, with their numbers."""
        yield from ((sender, client.number) for sender, client in self._clients.items())

    def take_up(self, sender: Sender, number: int) -> None:
        """Tell one who was told by the instrument before this one, under that number."""
        self._clients[sender] = _Client(number, self._clock_s())
        self._numbered = max(self._numbered, number + 1)

    def leave(self, sender: Sender) -> int:
        """Tell ``sender`` nothing more; its number, -1 if it had none."""
        client = self._clients.pop(sender, None)
        return -1 if client is None else client.number

    def heard(self, sender: Sender) -> None:
        """``sender`` is still there."""
        if client := self._clients.get(sender):
            client.heard_s = self._clock_s()

    def changed(self, events: tuple[Event, ...]) -> None:
        """``events`` have been carried out; tell of what they moved, soon."""
        if not self._clients:
            return
        table = self._desk.table
        for event in events:
            match event:
                case SetControl(address=address) if address in table.controls:
                    control = table.controls[address]
                    moved = (*(control.moves or (address,)), *control.resets)
                    self._changes.makers |= dict.fromkeys(moved, event.reply_to)
                case PlayNote(key=key, velocity=velocity):
                    self.tell(Reply("/note", (key, velocity)), event.reply_to)
                    continue
                case MorphStep(steps=steps):
                    self._changes.makers |= dict.fromkeys(steps)
                case ModelSwitched():
                    pass  # what is not as it is by itself is told
                case Play() | Stop() | Panic():
                    self._changes.makers["/play"] = event.reply_to
                    self._changes.panic |= isinstance(event, Panic)
                case _:
                    continue
            self._soon()

    def tell(self, reply: Reply, maker: Sender | None) -> None:
        """Tell all but ``maker`` at once of something that no value shows."""
        self._drop_the_gone()
        for client in self._clients:
            if client != maker:
                client.reply(reply)

    def _on_notify(self, event: Notify) -> None:
        sender = event.reply_to
        if sender is None:
            return
        try:
            number = self.enter(sender) if event.on else self.leave(sender)
        except TooManyClients as error:
            sender.reply(replies.fail("/notify", str(error)))
        else:
            sender.reply(replies.done("/notify", number))

    def _soon(self) -> None:
        if not self._changes.is_due:
            self._changes.is_due = True
            self._later(INTERVAL_S, self._flush)

    def _flush(self) -> None:
        before, now, changes = self._told, self._desk.snapshot(), self._changes
        self._told, self._changes = now, _Changes()
        if now.table is not before.table:
            before = Snapshot(now.table, now.table.defaults, now.table.smoothing_s, now.playing)
        for control in _changed_controls(before, now):
            first = (control.moves or (control.address,))[0]
            self.tell(self._desk.answer(control.address), changes.makers.get(first))
        maker = changes.makers.get("/play")
        if changes.panic:
            self.tell(Reply("/panic"), maker)
        if now.playing != before.playing:
            self.tell(Reply("/play" if now.playing else "/stop"), maker)

    def _drop_the_gone(self) -> None:
        now_s = self._clock_s()
        gone = [
            sender
            for sender, client in self._clients.items()
            if sender.is_gone(now_s - client.heard_s, PATIENCE_S)
        ]
        for sender in gone:
            del self._clients[sender]


def _changed_controls(before: Snapshot, now: Snapshot) -> Iterator[Control]:
    """Values that differ, and the shortcuts that answer one of them; lists only by their parts."""
    table: ControlTable = now.table
    for control in table.controls.values():
        if not control.is_value or control.takes_fewer:
            continue
        slots = table.answering(control.address)
        if any(before.values[slot] != now.values[slot] for slot in slots):
            yield control
