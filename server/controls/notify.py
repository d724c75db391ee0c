"""Clients that follow changes: ``/notify 1`` subscribes, ``/notify 0`` unsubscribes.

    events of any origin -> changed(events) --- 10 ms ---> new values -> all clients but the sender

Changes within 10 ms are sent once, with the newest value. A UDP client that has sent nothing for
five minutes is unsubscribed (any message renews it); a TCP client when its connection ends.
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


NotifyClients = Callable[[Reply, Sender | None], None]
"""``Notifier.notify``."""


class TooManyClients(RuntimeError):
    """No more clients can subscribe."""


@dataclass
class _Client:
    number: int
    last_message_s: float


@dataclass
class _Changes:
    """The controls set since the last notification, each with its last sender."""

    senders: dict[str, Sender | None] = field(default_factory=dict)
    panic: bool = False
    is_due: bool = False


class Notifier(Feature):
    """Sends changes to subscribed clients; used by the event loop's thread only."""

    def __init__(
        self, desk: Desk, later: Later, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._desk = desk
        self._later = later
        self._clock_s = clock_s
        self._clients: dict[Sender, _Client] = {}
        self._next_number = 0
        self._last_sent = desk.snapshot()
        self._changes = _Changes()

    def handlers(self) -> Mapping[type[Event], Handler]:
        """``/notify``."""
        return {Notify: self._on_notify}

    @property
    def clients(self) -> int:
        """The number of subscribed clients."""
        return len(self._clients)

    def subscribe(self, sender: Sender) -> int:
        """Subscribe ``sender`` and return its number, which it keeps if it asks again.

        Raises:
            TooManyClients: ``MAX_CLIENTS`` are subscribed.
        """
        self._drop_gone_clients()
        if sender not in self._clients:
            if len(self._clients) >= MAX_CLIENTS:
                raise TooManyClients(
                    f"at most {MAX_CLIENTS} clients can follow changes; one must /notify 0 first"
                )
            if not self._clients:
                self._last_sent = self._desk.snapshot()
            self._clients[sender] = _Client(self._next_number, self._clock_s())
            self._next_number += 1
        return self._clients[sender].number

    @property
    def numbers(self) -> Iterator[tuple[Sender, int]]:
        """All subscribed clients, with their numbers."""
        yield from ((sender, client.number) for sender, client in self._clients.items())

    def restore(self, sender: Sender, number: int) -> None:
        """Subscribe a client of the previous instrument again, under its number."""
        self._clients[sender] = _Client(number, self._clock_s())
        self._next_number = max(self._next_number, number + 1)

    def unsubscribe(self, sender: Sender) -> int:
        """Unsubscribe ``sender`` and return its number, -1 if it was not subscribed."""
        client = self._clients.pop(sender, None)
        return -1 if client is None else client.number

    def renew(self, sender: Sender) -> None:
        """Note that ``sender`` has sent a message."""
        if client := self._clients.get(sender):
            client.last_message_s = self._clock_s()

    def changed(self, events: tuple[Event, ...]) -> None:
        """Send the changes made by ``events`` to the clients, soon."""
        if not self._clients:
            return
        table = self._desk.table
        for event in events:
            match event:
                case SetControl(address=address) if address in table.controls:
                    control = table.controls[address]
                    moved = (*(control.moves or (address,)), *control.resets)
                    self._changes.senders |= dict.fromkeys(moved, event.reply_to)
                case PlayNote(key=key, velocity=velocity):
                    self.notify(Reply("/note", (key, velocity)), event.reply_to)
                    continue
                case MorphStep(steps=steps):
                    self._changes.senders |= dict.fromkeys(steps)
                case ModelSwitched():
                    pass  # all values that differ from the new model's defaults are sent
                case Play() | Stop() | Panic():
                    self._changes.senders["/play"] = event.reply_to
                    self._changes.panic |= isinstance(event, Panic)
                case _:
                    continue
            self._flush_soon()

    def notify(self, reply: Reply, source: Sender | None) -> None:
        """Send ``reply`` to all clients but its ``source``, at once."""
        self._drop_gone_clients()
        for client in self._clients:
            if client != source:
                client.reply(reply)

    def _on_notify(self, event: Notify) -> None:
        sender = event.reply_to
        if sender is None:
            return
        try:
            number = self.subscribe(sender) if event.on else self.unsubscribe(sender)
        except TooManyClients as error:
            sender.reply(replies.fail("/notify", str(error)))
        else:
            sender.reply(replies.done("/notify", number))

    def _flush_soon(self) -> None:
        if not self._changes.is_due:
            self._changes.is_due = True
            self._later(INTERVAL_S, self._flush)

    def _flush(self) -> None:
        last, current, changes = self._last_sent, self._desk.snapshot(), self._changes
        self._last_sent, self._changes = current, _Changes()
        table = current.table
        if table is not last.table:
            last = Snapshot(table, table.defaults, table.smoothing_s, current.playing)
        for control in _changed_controls(last, current):
            first = (control.moves or (control.address,))[0]
            self.notify(self._desk.answer(control.address), changes.senders.get(first))
        source = changes.senders.get("/play")
        if changes.panic:
            self.notify(Reply("/panic"), source)
        if current.playing != last.playing:
            self.notify(Reply("/play" if current.playing else "/stop"), source)

    def _drop_gone_clients(self) -> None:
        now_s = self._clock_s()
        gone = [
            sender
            for sender, client in self._clients.items()
            if sender.is_gone(now_s - client.last_message_s, PATIENCE_S)
        ]
        for sender in gone:
            del self._clients[sender]


def _changed_controls(last: Snapshot, current: Snapshot) -> Iterator[Control]:
    """Yield the values that differ, and the shortcuts that reply with one of them.

    A list such as ``/latent`` is left out; its parts are sent.
    """
    table: ControlTable = current.table
    for control in table.controls.values():
        if not control.is_value or control.takes_fewer:
            continue
        slots = table.answering(control.address)
        if any(last.values[slot] != current.values[slot] for slot in slots):
            yield control
