"""Which MIDI ports JACK has, which went meanwhile, and whether it is still there.

RtMidi's clients go on naming the ports of a server that has died, and break the program when they
are closed after a new one was made: all are closed first. Whether it has died, only JACK's own
shutdown callback tells, which RtMidi keeps to itself.

A port may be closed only while the graph rests: after each change the server asks every client for
its latencies, and JACK's library then walks a list of ports that closing one takes apart in another
thread (https://github.com/jackaudio/jack2/issues/216).
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

LOOK_S = 0.005
SHOWN_WITHIN = 20

RESTS_AFTER_PERIODS = 3
"""The server takes a change over with the next period, or the one after it."""

TOLD_WITHIN_S = 0.005
"""A thread of ours hears of it later than the server tells."""


class JackWatch:
    """A client without ports; one for as long as the server lives.

    Raises:
        OSError: there is no JACK library, or no server.
    """

    def __init__(self, name: str) -> None:
        import jack

        _silence(jack)
        try:
            self._client = jack.Client(name, no_start_server=True)
        except jack.JackError as error:
            raise OSError(str(error)) from error
        self._died = threading.Event()
        self._client.set_shutdown_callback(lambda status, reason: self._died.set())
        self._went: deque[str] = deque()
        self._changed_at_s = time.monotonic()
        self._client.set_port_registration_callback(self._registered)
        self._client.set_graph_order_callback(self._changed)
        self._client.activate()

    @property
    def is_alive(self) -> bool:
        """Whether the server is there."""
        return not self._died.is_set()

    def names(self, *, inputs: bool) -> list[str]:
        """The ports that can be heard (``inputs``), or spoken to."""
        ports = self._client.get_ports(is_midi=True, is_output=inputs, is_input=not inputs)
        return [port.name for port in ports]

    def went(self) -> set[str]:
        """Ports that have gone since this was asked last, though they may be back."""
        return {self._went.popleft() for _ in range(len(self._went))}

    def is_connected(self, name: str, client: str) -> bool:
        """Whether the port ``name`` is connected to one of a client whose name begins so.

        JACK refuses ports of a client that has not begun, which RtMidi does not notice; what was
        connected shows with the next period.
        """
        for _ in range(SHOWN_WITHIN):
            with contextlib.suppress(Exception):  # the port, or JACK, has gone meanwhile
                ports = self._client.get_all_connections(name)
                if any(port.name.startswith(client) for port in ports):
                    return True
            time.sleep(LOOK_S)
        return False

    @contextlib.contextmanager
    def at_rest(self) -> Iterator[None]:
        """Change the graph within: begins once nobody, we neither, has changed it for a while."""
        while self.is_alive and (left_s := self._rests_at_s() - time.monotonic()) > 0:
            time.sleep(left_s)
        yield
        self._changed()

    def _rests_at_s(self) -> float:
        period_s: float = self._client.blocksize / self._client.samplerate
        return self._changed_at_s + RESTS_AFTER_PERIODS * period_s + TOLD_WITHIN_S

    def _changed(self) -> None:
        """By anybody; in a thread of JACK's, where somebody else did it."""
        self._changed_at_s = time.monotonic()

    def _registered(self, port: Any, is_there: bool) -> None:
        """Of any client; in a thread of JACK's."""
        self._changed()
        if port is not None and not is_there:
            self._went.append(port.name)

    def close(self) -> None:
        """Leave."""
        self._client.close()


def _silence(jack: Any) -> None:
    """A server that is not there is told by us, once."""
    jack.set_error_function(lambda message: None)
    jack.set_info_function(lambda message: None)
