"""The MIDI ports of JACK, the ports that were unplugged, and whether the server is alive.

RtMidi's clients go on listing the ports of a server that has died, and crash the program if they
are closed after a new one was made: all are closed first. Only JACK's shutdown callback, which
RtMidi does not pass on, reports that the server has died.

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
"""The server takes over a change with the next period, or the one after it."""

REPORTED_WITHIN_S = 0.005
"""The client's threads learn of a change later than the server makes it."""


class JackWatch:
    """A client without ports, for as long as the server lives.

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
        self._unplugged: deque[str] = deque()
        self._changed_at_s = time.monotonic()
        self._client.set_port_registration_callback(self._port_changed)
        self._client.set_graph_order_callback(self._graph_changed)
        self._client.activate()

    @property
    def is_alive(self) -> bool:
        """False once the server has died."""
        return not self._died.is_set()

    def names(self, *, inputs: bool) -> list[str]:
        """Return the ports that send to us (``inputs``), or those that receive."""
        ports = self._client.get_ports(is_midi=True, is_output=inputs, is_input=not inputs)
        return [port.name for port in ports]

    def unplugged(self) -> set[str]:
        """Return the ports that have gone since the last call, though they may be back."""
        return {self._unplugged.popleft() for _ in range(len(self._unplugged))}

    def is_connected(self, name: str, client: str) -> bool:
        """Return whether the port ``name`` is connected to a client whose name begins so.

        JACK refuses ports of a client that has not begun, which RtMidi does not notice; a
        connection shows with the next period.
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
        """Change the graph within: waits until no client, this one included, has for a while."""
        while self.is_alive and (left_s := self._rests_at_s() - time.monotonic()) > 0:
            time.sleep(left_s)
        yield
        self._graph_changed()

    def close(self) -> None:
        """Leave the server."""
        self._client.close()

    def _rests_at_s(self) -> float:
        period_s: float = self._client.blocksize / self._client.samplerate
        return self._changed_at_s + RESTS_AFTER_PERIODS * period_s + REPORTED_WITHIN_S

    def _graph_changed(self) -> None:
        """Called by a thread of JACK, for changes that another client made."""
        self._changed_at_s = time.monotonic()

    def _port_changed(self, port: Any, is_registered: bool) -> None:
        """Called by a thread of JACK, for ports of any client."""
        self._graph_changed()
        if port is not None and not is_registered:
            self._unplugged.append(port.name)


def _silence(jack: Any) -> None:
    """Keep JACK's library from printing: a missing server is reported once, by the caller."""
    jack.set_error_function(lambda message: None)
    jack.set_info_function(lambda message: None)
