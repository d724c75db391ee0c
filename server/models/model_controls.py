"""What the hands can do with a model: gestures, Wekinator's targets, what is missing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from export.bundle.format import Bundle, BundleError
from server.controls.addresses import GENERATE
from server.controls.carry import carried
from server.controls.control import ControlTable
from server.controls.desk import Desk, Snapshot
from server.controls.events import ModelSwitched
from server.controls.gestures import Gestures
from server.decks.media import MediaError
from server.engine.runtime import RuntimeUnavailable
from server.engine.structure_prior import NO_PRIOR
from server.models.preparing import bundle_below
from server.models.switch import Model
from server.osc.mapping import MappingError
from server.osc.wekinator import Wekinator

logger = logging.getLogger(__name__)


def missing_in(bundle: Bundle) -> Mapping[str, str]:
    """Addresses that there is nothing for, and in one line why."""
    return {} if bundle.prior_onnx else {GENERATE: NO_PRIOR}


def gestures_of(model: Model) -> Gestures:
    """Gestures over the offsets of ``model``."""
    return Gestures(model.table, model.bundle.latents, lambda: model.engine.deck_style)


def wekinator_of(table: ControlTable, addresses: Sequence[str]) -> Wekinator:
    """Wekinator's outputs over other controls; where one is missing they move nothing."""
    try:
        return Wekinator(table, addresses)
    except MappingError as error:
        logger.warning("--wekinator moves nothing with this model: %s", error)
        return Wekinator(table)


def last_model(
    name: str, first: Model, ready: Callable[..., Model], desk: Desk, media: Path
) -> Model:
    """What played in the instrument before this one: ``first``, or the model ``name``.

    Where that cannot be had any more, it is said, and ``first`` plays.
    """
    if name == first.name:
        return first
    try:
        model = ready(bundle_below(name, media), name=name)
    except (BundleError, MediaError, RuntimeUnavailable) as error:
        logger.warning("the model that played is gone: %s", error)
        return first
    desk.apply([ModelSwitched(name, carry_to(model))])
    return model


def carry_to(model: Model) -> Callable[[Snapshot], Snapshot]:
    """Makes the desk of ``model`` of any other's."""
    return partial(carried, table=model.table, model=model.name)
