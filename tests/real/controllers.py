"""Controllers of other programs: clients of JACK with a MIDI output and an input for feedback.

Through RtMidi, whose callbacks are no Python: on a busy machine those miss periods, and with a
period JACK loses what was sent in it.
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
    """Knobs at ``NAME:out``; what they are told arrives at ``NAME-in:in``.

    With ``echoes`` it sends back all that it is told, as a loop in somebody's cables does.
    """

    def __init__(self, output: Any, told: Any, *, echoes: bool = False) -> None:
        self._output = output
        self._told = told
        self._echoes = echoes
        self._heard: list[tuple[int, ...]] = []

    @property
    def heard(self) -> list[tuple[int, ...]]:
        """All that it was told so far."""
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
        """Turn a knob to ``value`` again and again: what falls into a missed period is lost."""

        def turned() -> bool:
            self.turn(value)
            return reached()

        until(turned)

    def send(self, message: mido.Message) -> None:
        """Send any message."""
        self.send_bytes(bytes(message.bytes()))

    def send_bytes(self, message: bytes) -> None:
        """Send bytes as they are."""
        self._output.send_message(list(message))


@contextmanager
def controller(name: str = "knobs", *, echoes: bool = False) -> Iterator[Controller]:
    """A controller that is plugged in for as long as this lasts."""
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
