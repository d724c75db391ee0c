"""Faults of a bundle's model while it plays: errors, NaN and infinity."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from export.audio.arrays import Floats


class ModelFault(Exception):
    """A model raised an error or returned NaN or infinity; the message is the reason."""


def run_model(model_call: Callable[[], Floats]) -> Floats:
    """Return the result of ``model_call``.

    Raises:
        ModelFault: it raised any error, or returned NaN or infinity.
    """
    try:
        result = model_call()
        is_finite = np.isfinite(result).all()
    except Exception as error:  # ONNX Runtime's classes share no base; playing continues
        raise ModelFault(str(error) or repr(error)) from error
    if not is_finite:
        raise ModelFault("NaN or infinity")
    return result
