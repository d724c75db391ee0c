"""One OSC packet to events: what belongs together and when it is due, and what was refused.

A packet that is no OSC is refused as a whole. In one that is, every message stands for itself,
as with SuperCollider's server: one that no control takes does nothing at all and is told to the
sender, the others hold. All that is due at the same time is taken in one call.

    bundle (now)          -> group (None: now)   /interp, /level
      /interp 0.5
      /level -3
      bundle (12:00:00.5) -> group (12:00:00.5)  /mute
        /mute 1
"""

from __future__ import annotations

from dataclasses import dataclass

from server.controls.control import ControlTable
from server.controls.events import Event, Sender
from server.osc.arguments import OscError
from server.osc.mapping import MappingError, events_of_message
from server.osc.packet import OscMessage, read_packet

Refusal = OscError | MappingError


@dataclass(frozen=True)
class Group:
    """Events due together at ``time_tag`` (NTP), or now."""

    time_tag: int | None
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Intake:
    """What came of one packet."""

    messages: tuple[OscMessage, ...] = ()
    groups: tuple[Group, ...] = ()
    refusals: tuple[Refusal, ...] = ()


def take_in(table: ControlTable, packet: bytes, sender: Sender | None = None) -> Intake:
    """The groups of events of ``packet``, in the order in which their first messages came."""
    try:
        read = read_packet(packet)
    except OscError as error:
        return Intake(refusals=(error,))
    refusals: list[Refusal] = list(read.left_out)
    groups: dict[int | None, list[Event]] = {}
    for message in read.messages:
        try:
            events = events_of_message(table, message, sender)
        except MappingError as error:
            refusals.append(error)
        else:
            groups.setdefault(message.time_tag, []).extend(events)
    made = tuple(Group(time_tag, tuple(events)) for time_tag, events in groups.items())
    return Intake(read.messages, made, tuple(refusals))
