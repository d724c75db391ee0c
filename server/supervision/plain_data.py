"""Dataclasses as files of plain data: one line of JSON, then the bytes of its arrays; no pickle.

    {"name": "high", "structure": {"dtype": "<f4", "shape": [8, 20], "order": "C"}, ...}
    <bytes of the first array> <bytes of the second array> ...

Reading checks every value against the type hints of the dataclass, so a damaged file, or one of
another version of the program, raises a ``ValueError`` instead of making a wrong object.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, BinaryIO, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


def write_plain(file: BinaryIO, value: object) -> None:
    """Write ``value``: a dataclass of plain values, mappings by name, arrays and such dataclasses.

    Raises:
        OSError: the disk is full.
        TypeError: ``value`` contains something else.
    """
    arrays: list[NDArray[Any]] = []

    def plain(part: object) -> object:
        if isinstance(part, np.ndarray):
            order: Any = "F" if part.flags.fnc else "C"
            arrays.append(np.ravel(part, order))
            return {"dtype": part.dtype.str, "shape": part.shape, "order": order}
        if is_dataclass(part):
            return {field.name: getattr(part, field.name) for field in fields(part)}
        if isinstance(part, np.generic):
            return part.item()
        if isinstance(part, Mapping):
            return dict(part)
        if isinstance(part, Path):
            return str(part)
        raise TypeError(f"{type(part).__name__} is no plain data")

    file.write(json.dumps(value, default=plain).encode() + b"\n")
    for array in arrays:
        file.write(array.data)


def read_plain(file: BinaryIO, kind: type[T]) -> T:
    """Inverse of ``write_plain``.

    Raises:
        ValueError: the file is damaged, or is no ``kind``.
    """
    try:
        value: T = _typed(kind, json.loads(file.readline()), file)
    except (MemoryError, OverflowError, RecursionError, TypeError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    if file.read(1):
        raise ValueError("more bytes than its arrays have")
    return value


def _typed(kind: Any, data: Any, file: BinaryIO) -> Any:
    """``data`` as an object of ``kind``; ``file`` is at its first array.

    Raises:
        ValueError, TypeError: it is none.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        (one,) = (choice for choice in inner if choice is not NoneType)
        return None if data is None else _typed(one, data, file)
    if origin is np.ndarray and isinstance(data, dict):
        return _array(get_args(inner[1])[0], file, **data)
    if origin is tuple and isinstance(data, list):
        kinds = [inner[0]] * len(data) if inner[-1] is Ellipsis else inner
        return tuple(_typed(each, part, file) for each, part in zip(kinds, data, strict=True))
    if origin is Mapping and isinstance(data, dict):
        return {name: _typed(inner[1], part, file) for name, part in data.items()}
    if is_dataclass(kind) and isinstance(data, dict):
        return _dataclass(kind, data, file)
    if kind is Path and isinstance(data, str):
        return Path(data)
    if kind is Any or type(data) is kind or (kind is float and type(data) is int):
        return data
    raise ValueError(f"{data!r:.40} instead of {kind}")


def _dataclass(kind: Any, data: Mapping[str, Any], file: BinaryIO) -> Any:
    names = [field.name for field in fields(kind)]
    if list(data) != names:  # in order, as the arrays are
        raise ValueError(f"{', '.join(data)} instead of {', '.join(names)}")
    hints = get_type_hints(kind)
    return kind(**{name: _typed(hints[name], data[name], file) for name in names})


def _array(
    wanted: type[np.generic], file: BinaryIO, *, dtype: str, shape: list[int], order: Any
) -> NDArray[Any]:
    found = np.dtype(dtype)
    if found.kind != np.dtype(wanted).kind:
        raise ValueError(f"an array of {found} instead of {np.dtype(wanted)}")
    if any(type(n) is not int or n < 0 for n in shape):
        raise ValueError(f"an array of shape {shape!r:.40}")
    content = bytearray(math.prod(shape) * found.itemsize)
    if file.readinto(content) != len(content):  # type: ignore[attr-defined]  # files have it
        raise ValueError("an array is cut short")
    return np.frombuffer(content, found).reshape(shape, order=order)
