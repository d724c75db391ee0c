"""What the instrument says back, as plain messages; any transport can carry them.

The words are those of SuperCollider's server: ``/done cmd ...``, ``/fail cmd why``, ``/synced``,
``/late``, ``/version.reply`` and ``/status.reply``.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from server.controls.addresses import DECKS

Argument = int | float | str


@dataclass(frozen=True)
class Reply:
    """One message to whoever asked; an int goes out as ``i``, a float as ``f``, text as ``s``."""

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
"""Names of ``/status.reply`` and what each value is, in the order of the contract."""

PROGRESS = "/deck/{}/progress"
PRESET_LISTED = "/preset/list.reply"

ANSWERS = (
    *("/done", "/fail", "/late", "/synced", "/status.reply", "/version.reply"),
    PRESET_LISTED,
    *(PROGRESS.format(deck) for deck in DECKS),
)
"""Addresses that only ever answer: two servers that hear each other must not reply to them."""


def done(command: str, *rest: Argument) -> Reply:
    """``command`` has finished."""
    return Reply("/done", (command, *rest))


def fail(command: str, why: str) -> Reply:
    """``command`` was not carried out."""
    return Reply("/fail", (command, why))


def outcome(command: str, argument: Argument, failure: str | None) -> Reply:
    """``command`` has finished, or failed in one line."""
    return done(command, argument) if failure is None else fail(command, failure)


def progress(deck: str, share: float) -> Reply:
    """So much of what is to lie on ``deck`` is encoded, 0..1."""
    return Reply(PROGRESS.format(deck), (share,))


def synced(number: int) -> Reply:
    """Everything sent before ``/sync number`` has been taken in."""
    return Reply("/synced", (number,))


def late(due: int, ran: int, late_s: float, messages: int) -> Reply:
    """Messages ran after their time: due and ran (NTP), high and low halves, as SuperCollider's
    server has it; then by how many seconds, and how many messages since it was last told.
    """
    return Reply("/late", (*_halves(due), *_halves(ran), float(late_s), messages))


def _halves(time_tag: int) -> tuple[int, int]:
    """The high and the low 32 bits, each as OSC's signed integer."""
    high, low = struct.unpack(">ii", struct.pack(">Q", time_tag))
    return high, low


def version(program: str, number: str) -> Reply:
    """Program name, major, minor and the rest, laid out as SuperCollider's server lays it out.

    >>> version("latent-deck", "0.1.0").arguments
    ('latent-deck', 0, 1, '.0')
    """
    major, minor, *rest = number.split(".")
    return Reply(
        "/version.reply", (program, int(major), int(minor), "".join(f".{r}" for r in rest))
    )


def status(figures: Mapping[str, Argument]) -> Reply:
    """Alternating names and values: the contract's in its order, then whatever else is there.

    Args:
        figures: a value for every name of ``STATUS_NAMES``; further names may follow.

    Raises:
        KeyError: a name of the contract has no value.
    """
    contract = {name: kind(figures[name]) for name, kind in STATUS_NAMES}
    pairs = contract | {name: value for name, value in figures.items() if name not in contract}
    return Reply("/status.reply", tuple(part for pair in pairs.items() for part in pair))
