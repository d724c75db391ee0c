"""Clients of ``/notify`` over UDP: known by where they are, they can be told by another process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from server.controls.notify import Notifier
from server.osc.senders import UdpSender
from server.osc.server import OscServer

Listener = tuple[tuple[Any, ...], int]
"""Host and port as the socket gives them, and the number that it was given."""


def listeners(notifier: Notifier) -> tuple[Listener, ...]:
    """All that can be found again; a TCP connection ends with its process."""
    numbers = notifier.numbers
    return tuple((one.peer, number) for one, number in numbers if isinstance(one, UdpSender))


def take_up(before: Sequence[Listener], notifier: Notifier, osc: OscServer) -> None:
    """Tell those who were told before this process; it listens already."""
    for peer, number in before:
        sender = osc.sender_at(peer)
        if sender is not None:
            notifier.restore(sender, number)
