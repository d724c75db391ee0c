"""Turns OSC packets into events, by the table of controls; sets, sends and logs nothing.

A packet that is not OSC is rejected as a whole. In a valid packet each message is independent, as
in SuperCollider's server: one that no control accepts has no effect and is answered, the others
take effect. Messages due at the same time form one group.

    bundle (now)          -> group (None: now)   /interp, /level
      /interp 0.5
      /level -3
      bundle (12:00:00.5) -> group (12:00:00.5)  /mute
        /mute 1

A message is accepted or rejected as a whole. A value's address without arguments is a query. An
address pattern reaches every control that matches, except commands without arguments: ``/*``
queries values, it does not quit.

    f accepts i, f, h, d, T (1) and F (0)    i the same without a fraction    s accepts s and S
    v accepts what f and s accept
    a control with choices accepts their words and their numbers
    arrays are flattened for a control with several arguments
    I (impulse) counts as no argument for a command that has none
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from server.controls.addresses import JUMPS
from server.controls.control import Control, ControlTable
from server.controls.events import Event, Query, Sender, SetControl, SetGlide
from server.osc.arguments import Argument, Impulse, OscError
from server.osc.packet import OscMessage, read_packet
from server.osc.pattern import PatternError, is_pattern, matching
from server.system.printable import shown


class MappingError(ValueError):
    """A message that no control accepts; ``address`` is the one that was sent."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"{shown(address)}: {reason}")
        self.address = address
        self.reason = reason


PacketError = OscError | MappingError


@dataclass(frozen=True)
class Group:
    """Events due together at ``time_tag`` (NTP), or now."""

    time_tag: int | None
    events: tuple[Event, ...]


@dataclass(frozen=True)
class ParsedPacket:
    """The content of one packet: its messages, their events, and what was rejected."""

    messages: tuple[OscMessage, ...] = ()
    groups: tuple[Group, ...] = ()
    errors: tuple[PacketError, ...] = ()


def parse_packet(table: ControlTable, packet: bytes, sender: Sender | None = None) -> ParsedPacket:
    """Parse ``packet``; groups are in the order of their first messages."""
    try:
        read = read_packet(packet)
    except OscError as error:
        return ParsedPacket(errors=(error,))
    errors: list[PacketError] = list(read.left_out)
    groups: dict[int | None, list[Event]] = {}
    for message in read.messages:
        try:
            events = events_of_message(table, message, sender)
        except MappingError as error:
            errors.append(error)
        else:
            groups.setdefault(message.time_tag, []).extend(events)
    by_time = tuple(Group(time_tag, tuple(events)) for time_tag, events in groups.items())
    return ParsedPacket(read.messages, by_time, tuple(errors))


def events_of_message(
    table: ControlTable, message: OscMessage, sender: Sender | None = None
) -> tuple[Event, ...]:
    """Return the event of a message, or for an address pattern one for each control it reaches.

    Raises:
        MappingError: unknown address, or a number, type or range of arguments that a control does
            not accept.
    """
    controls = _controls_at(table, message.address)
    events = tuple(_event(control, message, sender) for control in controls)
    for event in events:
        if isinstance(event, SetGlide):
            _check_glides(table, event.address)
    return events


def _controls_at(table: ControlTable, address: str) -> tuple[Control, ...]:
    if control := table.controls.get(address):
        return (control,)
    if not is_pattern(address):
        raise MappingError(address, "no such control; --list-controls shows them all")
    try:
        matches = tuple(table.controls[match] for match in matching(address, table.controls))
    except PatternError as error:
        raise MappingError(address, str(error)) from error
    with_arguments = tuple(control for control in matches if control.types)
    if not with_arguments:
        raise MappingError(address, "this pattern reaches no control that has arguments")
    return with_arguments


def _event(control: Control, message: OscMessage, sender: Sender | None) -> Event:
    if control.is_value and not message.arguments:
        return Query(control.address, reply_to=sender)
    message = replace(message, arguments=_flattened(control, message.arguments))
    _check_count(control, message)
    types = control.types * (len(message.arguments) if control.repeats else 1)
    arguments = tuple(
        _choice(control, argument) if control.choices else _CONVERTERS[tag](control, argument)
        for tag, argument in zip(types, message.arguments, strict=False)
    )
    if control.command:
        members = (control.member,) if control.member else ()
        given = (arguments,) if control.repeats else arguments
        return control.command(*members, *given, reply_to=sender)
    numbers = tuple(float(number) for number in arguments)
    return SetControl(control.address, numbers, reply_to=sender)


def _flattened(control: Control, arguments: tuple[Argument, ...]) -> tuple[Argument, ...]:
    """Return the arguments as the control counts them: arrays flattened, no impulse."""
    if not control.types and arguments == (Impulse(),):
        return ()
    has_several = control.repeats or len(control.types) > 1
    return tuple(_flat(arguments)) if has_several else arguments


def _flat(arguments: tuple[Argument, ...]) -> Iterator[Argument]:
    for argument in arguments:
        if isinstance(argument, tuple):
            yield from _flat(argument)
        else:
            yield argument


def _check_glides(table: ControlTable, address: str) -> None:
    if address in JUMPS:
        raise MappingError("/glide", f"{address} jumps and cannot glide")
    if address not in table.slots:
        raise MappingError("/glide", f"{shown(address)} holds no value; --list-controls shows all")


def _check_count(control: Control, message: OscMessage) -> None:
    given, allowed = len(message.arguments), len(control.types)
    may_be_fewer = control.takes_fewer or control.asks
    if control.repeats or given == allowed or (may_be_fewer and 1 <= given < allowed):
        return
    fewer = "1 to " if may_be_fewer else ""
    noun = "argument" if allowed == 1 else "arguments"
    raise MappingError(control.address, f"{given} arguments; it takes {fewer}{allowed} {noun}")


def _number(control: Control, argument: Argument) -> float:
    """Return an argument of type ``f``: any finite number in range; 1 and true mean 1.0."""
    if not isinstance(argument, int | float):
        raise MappingError(control.address, f"{shown(argument)} is not a number")
    return _in_range(control, argument)


def _whole(control: Control, argument: Argument) -> int:
    """Return an argument of type ``i``; a float without fraction is fine (Pure Data sends only
    floats).
    """
    if not isinstance(argument, int | float) or not _is_int32(argument):
        raise MappingError(control.address, f"{shown(argument)} is not a whole number of 32 bits")
    return int(_in_range(control, argument))


def _is_int32(number: float) -> bool:
    return -(2**31) <= number < 2**31 and number == int(number)


def _in_range(control: Control, number: float) -> float:
    low = -math.inf if control.minimum is None else control.minimum
    high = math.inf if control.maximum is None else control.maximum
    is_within = math.isfinite(number) and low <= number <= high
    if not is_within and number not in control.also:
        unit = f" {control.unit}" if control.unit else ""
        also = "".join(f", or {value:g}" for value in control.also)
        reason = f"{shown(number)} is out of range; allowed are {low:g} to {high:g}{unit}{also}"
        raise MappingError(control.address, reason)
    return float(number)


def _choice(control: Control, argument: Argument) -> int:
    """Return the number of a choice, given by its word or its number."""
    if argument in control.choices:
        return control.choices.index(str(argument))
    if isinstance(argument, int | float) and argument in range(len(control.choices)):
        return int(argument)
    words = ", ".join(f"{word} ({n})" for n, word in enumerate(control.choices))
    raise MappingError(control.address, f"{shown(argument)} is not a choice; allowed are {words}")


def _text(control: Control, argument: Argument) -> str:
    if not isinstance(argument, str) or not argument:
        raise MappingError(control.address, f"{shown(argument)} is not text, or empty")
    return argument


def _number_or_words(control: Control, argument: Argument) -> float | str:
    """Return an argument of type ``v``."""
    is_text = isinstance(argument, str)
    return _text(control, argument) if is_text else _number(control, argument)


_CONVERTERS: Mapping[str, Callable[[Control, Argument], int | float | str]] = {
    "f": _number,
    "i": _whole,
    "s": _text,
    "v": _number_or_words,
}
