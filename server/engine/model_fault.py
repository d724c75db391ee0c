"""What a model of a bundle gives while it plays, or why that is of no use."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from server.system.arrays import Floats


class ModelFault(Exception):
    """A model raised an error or gave a number that is none; the message is the reason."""


def finite(run: Callable[[], Floats]) -> Floats:
    """What ``run`` gives.

    Raises:
        ModelFault: it raised whatever error, or gave NaN or infinity.
    """
    try:
        result = run()
        is_finite = np.isfinite(result).all()
    except Exception as error:  # ONNX Runtime's classes share no base; the sound goes on
        raise ModelFault(str(error) or repr(error)) from error
    if not is_finite:
        raise ModelFault("NaN or infinity")
    return result
