"""Access control for OSC: addresses and networks of IPv4 and IPv6."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def network(text: str) -> Network:
    """Parse ``192.168.1.7`` or ``192.168.1.0/24`` as a network of one or many senders.

    >>> network("192.168.1.7/24")
    IPv4Network('192.168.1.0/24')

    Raises:
        ValueError: it is neither.
    """
    return ipaddress.ip_network(text, strict=False)


def is_allowed(host: str, allowed: Sequence[Network]) -> bool:
    """Return True if ``host`` may send; without a list, everyone may."""
    if not allowed:
        return True
    address = _address(host)
    return any(address in some for some in allowed)


def is_loopback(host: str) -> bool:
    """Return True if only this machine can send to the address ``host``."""
    return _address(host).is_loopback


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Parse an address as sockets name it; an IPv4-mapped IPv6 address becomes IPv4."""
    address = ipaddress.ip_address(host.partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address
