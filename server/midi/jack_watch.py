"""Which MIDI ports JACK has, which went meanwhile, and whether it is still there.

RtMidi's clients go on naming the ports of a server that has died, and break the program when they
are closed after a new one was made: all are closed first. Whether it has died, only JACK's own
shutdown callback tells, which RtMidi keeps to itself.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from typing import Any

LOOK_S = 0.005
SHOWN_WITHIN = 20


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
        self._client.set_port_registration_callback(self._registered)
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

    def _registered(self, port: Any, is_there: bool) -> None:
        """Of any client; in a thread of JACK's."""
        if port is not None and not is_there:
            self._went.append(port.name)

    def close(self) -> None:
        """Leave."""
        self._client.close()


def _silence(jack: Any) -> None:
    """A server that is not there is told by us, once."""
    jack.set_error_function(lambda message: None)
    jack.set_info_function(lambda message: None)
