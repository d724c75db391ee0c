"""MIDI controllers as JACK clients, with an output and an input for feedback.

They use RtMidi, whose callbacks are not Python: on a busy machine a Python callback misses periods,
and JACK loses what was sent in a missed period.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import mido
import rtmidi

from tests.waiting import until

CHANNEL = 2


class Controller:
    """Knobs at ``NAME:out``, with feedback arriving at ``NAME-in:in``.

    With ``echoes`` it sends all feedback back, like a loop in the cables.
    """

    def __init__(self, output: Any, told: Any, *, echoes: bool = False) -> None:
        self._output = output
        self._told = told
        self._echoes = echoes
        self._heard: list[tuple[int, ...]] = []

    @property
    def heard(self) -> list[tuple[int, ...]]:
        """All feedback received so far."""
        while (message := self._told.get_message()) is not None:
            self._heard.append(tuple(message[0]))
            if self._echoes:
                self._output.send_message(message[0])
        return self._heard

    def turn(self, *values: int, control: int = 20) -> None:
        """Turn a knob to each of ``values``."""
        for value in values:
            self.send(mido.Message("control_change", channel=CHANNEL, control=control, value=value))

    def turn_until(self, value: int, reached: Callable[[], bool]) -> None:
        """Turn a knob to ``value`` repeatedly, since messages in a missed period are lost."""

        def turned() -> bool:
            self.turn(value)
            return reached()

        until(turned)

    def send(self, message: mido.Message) -> None:
        """Send ``message``."""
        self.send_bytes(bytes(message.bytes()))

    def send_bytes(self, message: bytes) -> None:
        """Send bytes unchanged."""
        self._output.send_message(list(message))


@contextmanager
def controller(name: str = "knobs", *, echoes: bool = False) -> Iterator[Controller]:
    """A controller that is plugged in while the context lasts."""
    with ExitStack() as stack:
        output = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name=name)
        stack.callback(output.delete)
        told = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name=f"{name}-in")
        stack.callback(told.delete)
        told.open_virtual_port("in")
        stack.callback(told.close_port)
        output.open_virtual_port("out")
        stack.callback(output.close_port)
        yield Controller(output, told, echoes=echoes)
