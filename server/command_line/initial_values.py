"""``--set ADDRESS=VALUE``: initial values of controls."""

from __future__ import annotations

from server.controls.control import ControlTable
from server.controls.events import SetControl, SetGlide
from server.osc.arguments import Argument
from server.osc.mapping import MappingError, events_of_message
from server.osc.packet import OscMessage
from server.osc.pattern import is_pattern


def setting(table: ControlTable, text: str) -> SetControl | SetGlide:
    """Return the event of ``ADDRESS=VALUE``; several values are separated by commas.

    >>> from server.controls.table import control_table
    >>> setting(control_table(style_dims=8), "/latent=0.5,-1").values
    (0.5, -1.0)
    >>> setting(control_table(style_dims=8), "/glide=/interp,2").seconds
    2.0

    Raises:
        MappingError: not of this form, not the address of a value, or a value out of range.
    """
    address, equals, values = text.partition("=")
    if not equals or not values:
        raise MappingError(text, "expected ADDRESS=VALUE, for example /interp=0.5")
    arguments = tuple(_number_or_text(value) for value in values.split(","))
    control = table.controls.get(address)
    if control and not (control.is_value or control.asks):
        raise MappingError(
            address, "is a command, not a value; a score (--score) can send it at 0 s"
        )
    if is_pattern(address):
        raise MappingError(address, "matches several controls; name one")
    (event,) = events_of_message(table, OscMessage(address, arguments))
    if not isinstance(event, SetControl | SetGlide):
        raise MappingError(address, "is not a value; an OSC client or a score can send it")
    if isinstance(event, SetGlide) and event.seconds is None:
        raise MappingError(address, "expected /glide=ADDRESS,SECONDS")
    return event


def _number_or_text(text: str) -> Argument:
    try:
        return float(text)
    except ValueError:
        return text
