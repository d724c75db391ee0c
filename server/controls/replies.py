"""The instrument's replies, as plain messages that any transport can carry.

They follow SuperCollider's server: ``/done cmd ...``, ``/fail cmd why``, ``/synced``, ``/late``,
``/version.reply`` and ``/status.reply``.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from server.controls.addresses import DECKS

Argument = int | float | str


@dataclass(frozen=True)
class Reply:
    """One message to whoever asked; an int is sent as ``i``, a float as ``f``, text as ``s``."""

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
"""Names of ``/status.reply`` and their types, in the documented order."""

PROGRESS = "/deck/{}/progress"
PRESET_LISTED = "/preset/list.reply"

ANSWERS = (
    *("/done", "/fail", "/late", "/synced", "/status.reply", "/version.reply"),
    PRESET_LISTED,
    *(PROGRESS.format(deck) for deck in DECKS),
)
"""Addresses of replies only: two connected servers must not reply to each other's replies."""


def done(command: str, *rest: Argument) -> Reply:
    """Return ``/done``: ``command`` has finished."""
    return Reply("/done", (command, *rest))


def fail(command: str, why: str) -> Reply:
    """Return ``/fail``: ``command`` was not carried out."""
    return Reply("/fail", (command, why))


def outcome(command: str, argument: Argument, failure: str | None) -> Reply:
    """Return ``/done``, or ``/fail`` with the line ``failure``."""
    return done(command, argument) if failure is None else fail(command, failure)


def progress(deck: str, share: float) -> Reply:
    """Return how much of the sound for ``deck`` is encoded, 0..1."""
    return Reply(PROGRESS.format(deck), (share,))


def synced(number: int) -> Reply:
    """Return ``/synced``: everything sent before ``/sync number`` has been processed."""
    return Reply("/synced", (number,))


def late(due: int, ran: int, late_s: float, messages: int) -> Reply:
    """Return ``/late``: messages were carried out after their time.

    The times due and carried out (NTP) in high and low halves, as SuperCollider's server sends
    them; then the delay in seconds, and the number of messages since the last such reply.
    """
    return Reply("/late", (*_halves(due), *_halves(ran), float(late_s), messages))


def _halves(time_tag: int) -> tuple[int, int]:
    """The high and the low 32 bits, each as OSC's signed integer."""
    high, low = struct.unpack(">ii", struct.pack(">Q", time_tag))
    return high, low


def version(program: str, number: str) -> Reply:
    """Return program name, major, minor and the rest, in the layout of SuperCollider's server.

    >>> version("latent-deck", "0.1.0").arguments
    ('latent-deck', 0, 1, '.0')
    """
    major, minor, *rest = number.split(".")
    return Reply(
        "/version.reply", (program, int(major), int(minor), "".join(f".{r}" for r in rest))
    )


def status(figures: Mapping[str, Argument]) -> Reply:
    """Return alternating names and values: the documented ones in order, then any others.

    Args:
        figures: a value for every name of ``STATUS_NAMES``; further names may follow.

    Raises:
        KeyError: a documented name has no value.
    """
    contract = {name: kind(figures[name]) for name, kind in STATUS_NAMES}
    pairs = contract | {name: value for name, value in figures.items() if name not in contract}
    return Reply("/status.reply", tuple(part for pair in pairs.items() for part in pair))
