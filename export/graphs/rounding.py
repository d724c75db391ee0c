"""Weights in half precision: half the size of the bundle, and the same numbers in torch."""

from __future__ import annotations

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

SMALLEST_ROUNDED = 1024
"""Tensors with fewer numbers stay as they are: norms and biases hardly add to the file."""


@torch.no_grad()
def round_weights(module: nn.Module) -> None:
    """Round every weight that ``store_half`` will store rounded, in place.

    Parity then compares two forms of the same numbers.
    """
    for parameter in module.parameters():
        if parameter.numel() >= SMALLEST_ROUNDED:
            parameter.copy_(parameter.half().float())


def store_half(graph: bytes) -> bytes:
    """Store large float32 constants as float16 and a cast, which ONNX Runtime folds at loading.

    Only constants that lose nothing by it: after ``round_weights``, all weights.
    """
    model = onnx.load_from_string(graph)
    casts = []
    for tensor in model.graph.initializer:
        half = _exact_half(tensor)
        if half is None:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _exact_half(tensor: TensorProto) -> np.ndarray[tuple[int, ...], np.dtype[np.float16]] | None:
    if tensor.data_type != TensorProto.FLOAT:
        return None
    values = numpy_helper.to_array(tensor)
    if values.size < SMALLEST_ROUNDED:
        return None
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    return half if np.array_equal(half.astype(np.float32), values) else None
