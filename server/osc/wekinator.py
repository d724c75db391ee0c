"""Wekinator (wekinator.org): the outputs of its models move controls.

It sends ``/wek/outputs`` with all outputs of its models in one message. Output i moves the i-th
control of ``--wekinator`` through its whole range. Outputs of a regression may exceed 0..1 a
little; they are clipped.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from server.controls.control import Control, ControlTable
from server.controls.events import Event, ModelSwitched, SetControl, WekinatorOutputs
from server.controls.feature import Expansion, Feature, Handler
from server.controls.playing import Playing
from server.osc.mapping import MappingError

logger = logging.getLogger(__name__)


class Wekinator(Feature):
    """Maps each output to a control.

    Raises:
        MappingError: an output cannot move one of ``addresses``.
    """

    def __init__(self, playing: Playing, addresses: Sequence[str] = ()) -> None:
        self._playing = playing
        self._addresses = addresses
        self._targets = _targets(playing.newest.table, addresses)

    def handlers(self) -> Mapping[type[Event], Handler]:
        """A change of model."""
        return {ModelSwitched: lambda event: self.use_controls()}

    def expansions(self) -> Mapping[type[Event], Expansion]:
        """Wekinator's outputs, as values of the controls they move."""
        return {WekinatorOutputs: self._values}

    def use_controls(self) -> None:
        """Move the controls of the model that plays now; if it lacks one of them, none."""
        try:
            self._targets = _targets(self._playing.newest.table, self._addresses)
        except MappingError as error:
            logger.warning("--wekinator moves nothing with this model: %s", error)
            self._targets = ()

    def _values(self, outputs: WekinatorOutputs) -> tuple[Event, ...]:
        return tuple(
            SetControl(
                control.address,
                (control.value_at(min(max(output, 0.0), 1.0)),),
                reply_to=outputs.reply_to,
            )
            for control, output in zip(self._targets, outputs.values, strict=False)
        )


def _targets(table: ControlTable, addresses: Sequence[str]) -> tuple[Control, ...]:
    return tuple(_target(table, address) for address in addresses)


def _target(table: ControlTable, address: str) -> Control:
    control = table.controls.get(address)
    if control is None:
        raise MappingError(address, "no such control for --wekinator; --list-controls shows all")
    if not control.is_value or len(control.types) != 1 or control.minimum is None:
        raise MappingError(
            address, "has no range for an output of --wekinator; name a control with one value"
        )
    return control
