"""Wekinator (wekinator.org): what its models put out, as moves of our controls.

It sends ``/wek/outputs`` with all outputs of its models in one message. Output i moves the i-th
control of ``--wekinator`` through its whole range; a regression may leave 0..1 a little and is
held there.
"""

from __future__ import annotations

from collections.abc import Sequence

from server.controls.control import Control, ControlTable
from server.controls.events import Event, SetControl, WekinatorOutputs
from server.osc.mapping import MappingError


class Wekinator:
    """Which control each output moves.

    Raises:
        MappingError: an address that no output can move.
    """

    def __init__(self, table: ControlTable, addresses: Sequence[str] = ()) -> None:
        self._targets = tuple(_target(table, address) for address in addresses)

    def settings(self, events: tuple[Event, ...]) -> tuple[Event, ...]:
        """``events`` with each set of outputs replaced by what it moves."""
        if not any(isinstance(event, WekinatorOutputs) for event in events):
            return events
        return tuple(
            setting
            for event in events
            for setting in (self._moves(event) if isinstance(event, WekinatorOutputs) else (event,))
        )

    def _moves(self, outputs: WekinatorOutputs) -> tuple[Event, ...]:
        return tuple(
            SetControl(
                control.address,
                (control.value_at(min(max(output, 0.0), 1.0)),),
                reply_to=outputs.reply_to,
            )
            for control, output in zip(self._targets, outputs.values, strict=False)
        )


def _target(table: ControlTable, address: str) -> Control:
    control = table.controls.get(address)
    if control is None:
        raise MappingError(address, "no such control for --wekinator; --list-controls shows all")
    if not control.is_value or len(control.types) != 1 or control.minimum is None:
        raise MappingError(
            address, "has no range that an output of --wekinator could move it through"
        )
    return control
