"""Sockets to listen on: UDP and TCP on one port number, for every address of a host name.

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


_Endpoint = tuple[socket.AddressFamily, str]
"""An address family and an address of it."""


def socket_pairs(host: str, port: int) -> tuple[SocketPair, ...]:
    """Bind a pair for every address of ``host`` to one port; port 0 takes a free one.

    Raises:
        OscAddressError: the port is in use, or the host is not of this machine.
    """
    endpoints = _endpoints(host)
    for left in reversed(range(1 if port else _FREE_PORT_TRIES)):
        try:
            return _bind_all(endpoints, port)
        except OSError as error:
            if left and error.errno == errno.EADDRINUSE:
                continue  # free for TCP, not for UDP
            raise OscAddressError(
                f"cannot listen for OSC on {host_and_port(host, port)} "
                f"({error.strerror or error}); choose another with --osc HOST:PORT, or --osc none"
            ) from error
    raise AssertionError("the last try returns or raises")


def _endpoints(host: str) -> tuple[_Endpoint, ...]:
    if host == "localhost":  # both, whatever the hosts file says (RFC 6761)
        return (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise OscAddressError(
            f"cannot listen for OSC on '{host}': no such host; use an address of this machine, "
            "for example --osc 127.0.0.1:9000, or --osc none"
        ) from error
    return tuple(dict.fromkeys((family, str(endpoints[0])) for family, _, _, _, endpoints in found))


def _bind_all(endpoints: Sequence[_Endpoint], port: int) -> tuple[SocketPair, ...]:
    """Bind all pairs or none; a family that this machine lacks is skipped if there is another."""
    pairs: list[SocketPair] = []
    missing: OSError | None = None
    with ExitStack() as on_failure:
        for endpoint in endpoints:
            try:
                pair = _pair(endpoint, port)
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


def _pair(endpoint: _Endpoint, port: int) -> SocketPair:
    streams = _socket(endpoint, socket.SOCK_STREAM, port)
    try:
        return SocketPair(_socket(endpoint, socket.SOCK_DGRAM, streams.getsockname()[1]), streams)
    except OSError:
        streams.close()
        raise


def _socket(endpoint: _Endpoint, kind: socket.SocketKind, port: int) -> socket.socket:
    family, host = endpoint
    opened = socket.socket(family, kind)
    try:
        if family == socket.AF_INET6:  # so that :: and 0.0.0.0 can be had side by side
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind == socket.SOCK_STREAM and os.name == "posix":  # elsewhere it means to share
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setblocking(False)
        opened.bind((host, port))
    except OSError:
        opened.close()
        raise
    return opened
