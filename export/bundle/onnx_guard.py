"""Refuses ONNX files that point outside themselves, without the ``onnx`` package.

An ONNX initialiser may name any file on the disk ("external data"), and ONNX Runtime would open
it. Bundles are one self-contained file, so a tensor with such a reference is refused here, by
walking the protobuf fields that can hold a tensor (onnx.proto: field numbers below).
"""

from __future__ import annotations

from collections.abc import Iterator

from export.bundle.format import BundleError

MAX_DEPTH = 32
"""Depth of nested messages (graphs inside node attributes); real decoders need six."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_TENSOR_EXTERNAL_DATA, _TENSOR_DATA_LOCATION = 13, 14

# message -> field number -> message inside; only what leads to a TensorProto.
_CHILDREN: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "tensor": {},
}


def refuse_external_data(model: bytes) -> None:
    """Check one serialised ONNX model.

    Raises:
        BundleError: not a protobuf message with a graph, or a tensor is in another file.
    """
    if not any(number == 7 for number, _, _ in _fields(memoryview(model))):
        raise BundleError("no ONNX graph inside")
    _check("model", memoryview(model), 0)


def _check(kind: str, message: memoryview, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise BundleError(f"ONNX graph nested deeper than {MAX_DEPTH} messages")
    children = _CHILDREN[kind]
    for number, wire, value in _fields(message):
        if kind == "tensor" and _is_external(number, value):
            raise BundleError(
                "ONNX tensor kept in another file (external data); a bundle must hold all weights"
            )
        if wire == _BYTES and number in children:
            assert isinstance(value, memoryview)
            _check(children[number], value, depth + 1)


def _is_external(number: int, value: int | memoryview) -> bool:
    return number == _TENSOR_EXTERNAL_DATA or (number == _TENSOR_DATA_LOCATION and value != 0)


def _fields(message: memoryview) -> Iterator[tuple[int, int, int | memoryview]]:
    """Yield fields of one message as (number, wire type, value); lengths are checked."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        number, wire = key >> 3, key & 7
        value: int | memoryview
        if wire == _VARINT:
            value, position = _varint(message, position)
        elif wire in (_BYTES, _FIXED64, _FIXED32):
            if wire == _BYTES:
                size, position = _varint(message, position)
            else:
                size = 8 if wire == _FIXED64 else 4
            if position + size > len(message):
                raise BundleError("ONNX file is cut short")
            value = message[position : position + size]
            position += size
        else:
            raise BundleError(f"not an ONNX file (wire type {wire})")
        yield number, wire, value


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """Read one base-128 number of at most ten bytes; return it and the position after it."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(message):
            raise BundleError("ONNX file is cut short")
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise BundleError("not an ONNX file (overlong number)")
