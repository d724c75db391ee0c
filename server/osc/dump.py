"""``/dump 1``: prints incoming messages, a limited number per second."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from server.controls import replies
from server.controls.events import Dump, Event
from server.controls.feature import Feature, Handler
from server.osc.arguments import Argument
from server.osc.mapping import ParsedPacket
from server.osc.packet import OscMessage
from server.osc.senders import OscSender
from server.system.printable import shown

MAX_LINES_PER_S = 50


class OscDump(Feature):
    """Prints while it ``is_on``; messages beyond the limit are only counted."""

    def __init__(
        self,
        write: Callable[[str], None] = lambda line: print(line, flush=True),
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.is_on = False
        self._write = write
        self._clock_s = clock_s
        self._second_start_s = -float("inf")
        self._printed = 0
        self._left_out = 0

    def handlers(self) -> Mapping[type[Event], Handler]:
        """``/dump``."""
        return {Dump: self._switch}

    def watch(self, sender: OscSender, packet: ParsedPacket) -> None:
        """Print the messages of a packet from ``sender``, while it is on."""
        if not self.is_on:
            return
        for message in packet.messages:
            self._print(f"OSC from {sender.name}: {_text(message)}")

    def _switch(self, event: Dump) -> None:
        self.is_on = bool(event.on)
        event.answer(replies.done("/dump", event.on))

    def _print(self, text: str) -> None:
        now_s = self._clock_s()
        if not 0 <= now_s - self._second_start_s < 1.0:
            if self._left_out:
                self._write(f"OSC: {self._left_out} more messages were not printed")
            self._second_start_s, self._printed, self._left_out = now_s, 0, 0
        if self._printed < MAX_LINES_PER_S:
            self._printed += 1
            self._write(text)
        else:
            self._left_out += 1


def _text(message: OscMessage) -> str:
    arguments = " ".join(map(_argument, message.arguments))
    return f"{shown(message.address)} {arguments}".rstrip()


def _argument(argument: Argument) -> str:
    """Return a number or text as it is, an array in brackets, anything else by its type."""
    if isinstance(argument, tuple):
        return f"[{' '.join(map(_argument, argument))}]"
    return shown(argument)
