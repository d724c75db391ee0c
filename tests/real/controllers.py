"""Controllers of other programs: clients of JACK with a MIDI output and an input for feedback."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import jack
import mido

CHANNEL = 2
A_PERIOD = 64
"""Messages that are sent in one, at most."""


class Controller:
    """Knobs at ``NAME:out``; what they are told arrives at ``NAME:in`` and is ``heard``.

    With ``echoes`` it sends back all that it is told, as a loop in somebody's cables does.
    """

    def __init__(self, client: jack.Client, *, echoes: bool = False) -> None:
        self.heard: list[tuple[int, ...]] = []
        self._unsent: deque[bytes] = deque()
        self._echoes = echoes
        self._out = client.midi_outports.register("out")
        self._in = client.midi_inports.register("in")
        client.set_process_callback(self._process)

    def turn(self, *values: int, control: int = 20) -> None:
        """Turn a knob to each of ``values``."""
        for value in values:
            self.send(mido.Message("control_change", channel=CHANNEL, control=control, value=value))

    def send(self, message: mido.Message) -> None:
        """Send any message."""
        self._unsent.append(bytes(message.bytes()))

    def _process(self, frames: int) -> None:
        self._out.clear_buffer()
        for _, data in self._in.incoming_midi_events():
            self.heard.append(tuple(bytes(data)))
            if self._echoes:
                self._unsent.append(bytes(data))
        for _ in range(min(len(self._unsent), A_PERIOD)):
            self._out.write_midi_event(0, self._unsent.popleft())


@contextmanager
def controller(name: str = "knobs", *, echoes: bool = False) -> Iterator[Controller]:
    """A controller that is plugged in for as long as this lasts."""
    client = jack.Client(name, no_start_server=True)
    one = Controller(client, echoes=echoes)
    with client:
        yield one
    client.close()
