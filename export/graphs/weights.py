"""Reads the weights of a graph by their names in torch."""

from __future__ import annotations

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import numpy_helper

Numbers = NDArray[np.generic]


class GraphError(ValueError):
    """A graph that cannot be read."""


def named_weights(graph: bytes) -> dict[str, Numbers]:
    """All stored tensors of a graph, by each of their names in torch.

    A weight may be stored in half precision and cast (``export.graphs.rounding``), and weights of
    equal numbers are stored once, with identities (by the exporter); the output of such a node has
    the weight's name.

    Raises:
        GraphError: no ONNX model, or a damaged one.
    """
    try:
        model = onnx.load_from_string(graph).graph
        values = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.initializer}
    except (DecodeError, ValueError, TypeError) as error:
        raise GraphError(f"not readable as an ONNX model ({error})") from error
    for node in model.node:
        if node.op_type in _SAME_NUMBERS and node.input[0] in values:
            values[node.output[0]] = values[node.input[0]]
    return {name.removeprefix(PLAYER): value for name, value in values.items()}


_SAME_NUMBERS = ("Cast", "Identity")

PLAYER = "player."
"""Prefix of the names in ``decoder.onnx`` and ``prior.onnx`` (``export.graphs.streaming``)."""
