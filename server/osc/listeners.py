"""UDP clients of ``/notify``, known by their address, so that a new process can notify them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from server.controls.notify import Notifier
from server.osc.senders import UdpSender
from server.osc.server import OscServer

Listener = tuple[tuple[Any, ...], int]
"""Host and port as the socket gives them, and the client's number."""


def listeners(notifier: Notifier) -> tuple[Listener, ...]:
    """All that can be found again; a TCP connection ends with its process."""
    numbers = notifier.numbers
    return tuple((one.peer, number) for one, number in numbers if isinstance(one, UdpSender))


def take_up(previous: Sequence[Listener], notifier: Notifier, osc: OscServer) -> None:
    """Notify the clients of the previous process; ``osc`` is listening already."""
    for peer, number in previous:
        sender = osc.sender_at(peer)
        if sender is not None:
            notifier.restore(sender, number)
