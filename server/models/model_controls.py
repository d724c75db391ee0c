"""The controls of a model: those it does not support, and the desk's change to another model."""

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
    """Return the controls that ``bundle`` does not support, each with a one-line reason."""
    return {} if bundle.prior_onnx else {GENERATE: NO_PRIOR}


def switched_to(model: Model) -> ModelSwitched:
    """Return the event that changes the desk to the controls of ``model``."""
    return ModelSwitched(model.name, partial(carried, table=model.table, model=model.name))


def previous_model(
    name: str, first: Model, make_model: Callable[..., Model], desk: Desk, media: Path
) -> Model:
    """Return the model that the previous instrument played: ``first``, or the one called ``name``.

    If it cannot be loaded any more, log a warning and return ``first``.
    """
    if name == first.name:
        return first
    try:
        model = make_model(bundle_below(name, media), name=name)
    except (BundleError, MediaError, RuntimeUnavailable) as error:
        logger.warning("the previous model cannot be loaded; playing the first one: %s", error)
        return first
    desk.apply([switched_to(model)])
    return model
