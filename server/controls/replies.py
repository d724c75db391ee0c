"""Replies to clients, as plain messages that any transport can carry.

Their addresses are those of SuperCollider's server: ``/done cmd ...``, ``/fail cmd reason``,
``/synced``, ``/late``, ``/version.reply`` and ``/status.reply``.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from server.controls.addresses import DECKS

Argument = int | float | str


@dataclass(frozen=True)
class Reply:
    """One message to a client; an int is sent as ``i``, a float as ``f``, text as ``s``."""

    address: str
    arguments: tuple[Argument, ...] = ()


STATUS_NAMES: tuple[tuple[str, type[Argument]], ...] = (
    ("bundle", str),
    ("provider", str),
    ("block_samples", int),
    ("model_rate_hz", float),
    ("device_rate_hz", float),
    ("decode_p50_ms", float),
    ("decode_p99_ms", float),
    ("ring_blocks", int),
    ("late_blocks", int),
    ("underruns", int),
    ("osc_received", int),
    ("osc_rejected", int),
    ("midi_received", int),
    ("latency_ms", float),
)
"""Names and types of the first values of ``/status.reply``, in their fixed order."""

PROGRESS = "/deck/{}/progress"
PRESET_LISTED = "/preset/list.reply"

ANSWERS = (
    *("/done", "/fail", "/late", "/synced", "/status.reply", "/version.reply"),
    PRESET_LISTED,
    *(PROGRESS.format(deck) for deck in DECKS),
)
"""Addresses of replies: never answered, or two servers could reply to each other endlessly."""


def done(command: str, *rest: Argument) -> Reply:
    """Return the reply that ``command`` has finished."""
    return Reply("/done", (command, *rest))


def fail(command: str, reason: str) -> Reply:
    """Return the reply that ``command`` was not carried out."""
    return Reply("/fail", (command, reason))


def outcome(command: str, argument: Argument, failure: str | None) -> Reply:
    """Return ``done``, or ``fail`` if there is a ``failure`` (one line)."""
    return done(command, argument) if failure is None else fail(command, failure)


def progress(deck: str, share: float) -> Reply:
    """Return the reply that a ``share`` (0..1) of the load of ``deck`` is encoded."""
    return Reply(PROGRESS.format(deck), (share,))


def synced(number: int) -> Reply:
    """Return the reply that everything sent before ``/sync number`` has been handled."""
    return Reply("/synced", (number,))


def late(due: int, ran: int, late_s: float, messages: int) -> Reply:
    """Return the reply about a number of ``messages`` that took effect after their time.

    Its arguments are, as in SuperCollider's server, the high and low halves of the NTP times
    ``due`` and ``ran``; then ``late_s``, and ``messages``, those since the previous reply.
    """
    return Reply("/late", (*_halves(due), *_halves(ran), float(late_s), messages))


def _halves(time_tag: int) -> tuple[int, int]:
    """Return the high and the low 32 bits, each as a signed integer of OSC."""
    high, low = struct.unpack(">ii", struct.pack(">Q", time_tag))
    return high, low


def version(program: str, number: str) -> Reply:
    """Return program name, major, minor and patch, in the form of SuperCollider's server.

    >>> version("latent-deck", "0.1.0").arguments
    ('latent-deck', 0, 1, '.0')
    """
    major, minor, *rest = number.split(".")
    return Reply(
        "/version.reply", (program, int(major), int(minor), "".join(f".{r}" for r in rest))
    )


def status(figures: Mapping[str, Argument]) -> Reply:
    """Return alternating names and values: those of ``STATUS_NAMES`` in order, then the others.

    Raises:
        KeyError: ``figures`` lacks a name of ``STATUS_NAMES``.
    """
    first = {name: kind(figures[name]) for name, kind in STATUS_NAMES}
    pairs = first | {name: value for name, value in figures.items() if name not in first}
    return Reply("/status.reply", tuple(part for pair in pairs.items() for part in pair))
