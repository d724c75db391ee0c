"""Sockets to listen on: UDP and TCP on one port number, for every address that a host name has.

127.0.0.1, 0.0.0.0    one pair of IPv4
::1, ::               one pair of IPv6
localhost             a pair of each, where this machine has both
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from server.osc.senders import host_and_port

_FREE_PORT_TRIES = 20
_NO_SUCH_FAMILY = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


class OscAddressError(ValueError):
    """A host and port that cannot be listened on."""


@dataclass(frozen=True)
class SocketPair:
    """UDP and TCP at one address and port."""

    datagrams: socket.socket
    streams: socket.socket

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, port = self.datagrams.getsockname()[:2]
        return host, port

    def close(self) -> None:
        """Free the port."""
        self.datagrams.close()
        self.streams.close()


_Place = tuple[socket.AddressFamily, str]
"""A family of addresses and one address of it."""


def socket_pairs(host: str, port: int) -> tuple[SocketPair, ...]:
    """A pair for every address of ``host``, bound to one port; port 0 takes a free one.

    Raises:
        OscAddressError: the port is in use, or the host is not of this machine.
    """
    where = _places(host)
    for left in reversed(range(1 if port else _FREE_PORT_TRIES)):
        try:
            return _bound(where, port)
        except OSError as error:
            if left and error.errno == errno.EADDRINUSE:
                continue  # free for TCP, not for UDP
            raise OscAddressError(
                f"cannot listen for OSC on {host_and_port(host, port)} "
                f"({error.strerror or error}); choose another with --osc HOST:PORT, or --osc none"
            ) from error
    raise AssertionError("the last try returns or raises")


def _places(host: str) -> tuple[_Place, ...]:
    if host == "localhost":  # both, whatever the hosts file says (RFC 6761)
        return (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise OscAddressError(
            f"cannot listen for OSC on '{host}': no such host; use an address of this machine, "
            "for example --osc 127.0.0.1:9000, or --osc none"
        ) from error
    return tuple(dict.fromkeys((family, str(where[0])) for family, _, _, _, where in found))


def _bound(where: Sequence[_Place], port: int) -> tuple[SocketPair, ...]:
    """All pairs or none; a family that this machine lacks is passed over if there is another."""
    pairs: list[SocketPair] = []
    missing: OSError | None = None
    with ExitStack() as on_failure:
        for place in where:
            try:
                pair = _pair(place, port)
            except OSError as error:
                if error.errno not in _NO_SUCH_FAMILY:
                    raise
                missing = error
                continue
            on_failure.callback(pair.close)
            pairs.append(pair)
            port = pair.address[1]
        on_failure.pop_all()
    if missing is not None and not pairs:
        raise missing
    return tuple(pairs)


def _pair(place: _Place, port: int) -> SocketPair:
    streams = _socket(place, socket.SOCK_STREAM, port)
    try:
        return SocketPair(_socket(place, socket.SOCK_DGRAM, streams.getsockname()[1]), streams)
    except OSError:
        streams.close()
        raise


def _socket(place: _Place, kind: socket.SocketKind, port: int) -> socket.socket:
    family, host = place
    made = socket.socket(family, kind)
    try:
        if family == socket.AF_INET6:  # so that :: and 0.0.0.0 can be had side by side
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind == socket.SOCK_STREAM and os.name == "posix":  # elsewhere it means to share
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setblocking(False)
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    return made
