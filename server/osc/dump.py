"""``/dump 1``: prints incoming messages, up to a number of lines a second."""

from __future__ import annotations

import time
from collections.abc import Callable

from server.osc.arguments import Argument
from server.osc.intake import Intake
from server.osc.mapping import shown
from server.osc.packet import OscMessage
from server.osc.senders import OscSender

LINES_A_SECOND = 50


class OscDump:
    """Prints messages while it ``is_on``; those beyond the limit are counted instead."""

    def __init__(
        self,
        write: Callable[[str], None] = lambda line: print(line, flush=True),
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.is_on = False
        self._write = write
        self._clock_s = clock_s
        self._second_s = -float("inf")
        self._written = 0
        self._left_out = 0

    def switch(self, on: bool) -> None:
        """Turn it on or off."""
        self.is_on = on

    def watch(self, sender: OscSender, intake: Intake) -> None:
        """Print the messages of one packet from ``sender``."""
        if not self.is_on:
            return
        for message in intake.messages:
            self._line(f"OSC from {sender.name}: {_text(message)}")

    def _line(self, text: str) -> None:
        now_s = self._clock_s()
        if not 0 <= now_s - self._second_s < 1.0:
            if self._left_out:
                self._write(f"OSC: {self._left_out} more messages were not printed")
            self._second_s, self._written, self._left_out = now_s, 0, 0
        if self._written < LINES_A_SECOND:
            self._written += 1
            self._write(text)
        else:
            self._left_out += 1


def _text(message: OscMessage) -> str:
    arguments = " ".join(map(_argument, message.arguments))
    return f"{shown(message.address)} {arguments}".rstrip()


def _argument(argument: Argument) -> str:
    """Numbers and text as they are, an array in brackets, anything else by its kind."""
    if isinstance(argument, tuple):
        return f"[{' '.join(map(_argument, argument))}]"
    return shown(argument)
