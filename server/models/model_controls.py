"""The controls of a model: those it has nothing for, and how the desk changes to them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from export.bundle.format import Bundle, BundleError
from server.controls.addresses import GENERATE
from server.controls.carry import carried
from server.controls.desk import Desk
from server.controls.events import ModelSwitched
from server.decks.media import MediaError
from server.engine.runtime import RuntimeUnavailable
from server.engine.structure_prior import NO_PRIOR
from server.models.preparing import bundle_below
from server.models.switch import Model

logger = logging.getLogger(__name__)


def missing_in(bundle: Bundle) -> Mapping[str, str]:
    """Addresses that there is nothing for, and in one line why."""
    return {} if bundle.prior_onnx else {GENERATE: NO_PRIOR}


def switched_to(model: Model) -> ModelSwitched:
    """The event that makes the desk the one of ``model``."""
    return ModelSwitched(model.name, partial(carried, table=model.table, model=model.name))


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
    desk.apply([switched_to(model)])
    return model
