"""Dataclasses as files of plain data: one line of JSON, then the bytes of its arrays; no pickle.

    {"name": "high", "structure": {"dtype": "<f4", "shape": [8, 20], "order": "C"}, ...}
    <bytes of the first array> <bytes of the second array> ...

An array that is in a file already may stay there: then its entry names the file, and has no bytes.

Reading checks every value against the type hints of the dataclass, so a damaged file, or one of
another version of the program, raises a ``ValueError`` instead of making a wrong object.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, BinaryIO, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


Keep = Callable[[NDArray[Any]], str | None]
"""Keeps the file that an array is in; returns a name for it, None if it is in no file."""

Find = Callable[[str], Path]
"""Returns the file that was kept under a name.

Raises:
    ValueError: there is no such name.
"""


def keep_none(array: NDArray[Any]) -> None:
    """Write every array: a ``Keep``."""


def find_none(name: str) -> Path:
    """A ``Find`` that has nothing."""
    raise ValueError(f"no file {name!r:.40}")


def write_plain(file: BinaryIO, value: object, keep: Keep = keep_none) -> None:
    """Write ``value``: a dataclass of plain values, mappings by name, arrays and such dataclasses.

    Raises:
        OSError: the disk is full.
        TypeError: ``value`` contains something else.
    """
    arrays: list[NDArray[Any]] = []

    def plain(part: object) -> object:
        if isinstance(part, np.ndarray):
            if name := keep(part):
                return {"dtype": part.dtype.str, "shape": part.shape, "file": name}
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


def read_plain(file: BinaryIO, kind: type[T], find: Find = find_none) -> T:
    """Inverse of ``write_plain``; arrays that stayed in their files are mapped.

    Raises:
        ValueError: the file is damaged, or is no ``kind``.
    """
    try:
        value: T = _PlainReader(file, find).typed(kind, json.loads(file.readline()))
    except (MemoryError, OSError, OverflowError, RecursionError, TypeError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    if file.read(1):
        raise ValueError("more bytes than its arrays have")
    return value


class _PlainReader:
    """Makes objects of data; ``file`` is at its first array."""

    def __init__(self, file: BinaryIO, find: Find) -> None:
        self._file = file
        self._find = find

    def typed(self, kind: Any, data: Any) -> Any:
        """``data`` as an object of ``kind``.

        Raises:
            ValueError, TypeError: it is none.
        """
        origin, inner = get_origin(kind), get_args(kind)
        if origin in (Union, UnionType):
            (one,) = (choice for choice in inner if choice is not NoneType)
            return None if data is None else self.typed(one, data)
        if origin is np.ndarray and isinstance(data, dict):
            wanted = get_args(inner[1])[0]
            return self._mapped(wanted, **data) if "file" in data else self._array(wanted, **data)
        if origin is tuple and isinstance(data, list):
            kinds = [inner[0]] * len(data) if inner[-1] is Ellipsis else inner
            return tuple(self.typed(each, part) for each, part in zip(kinds, data, strict=True))
        if origin is Mapping and isinstance(data, dict):
            return {name: self.typed(inner[1], part) for name, part in data.items()}
        if is_dataclass(kind) and isinstance(data, dict):
            return self._dataclass(kind, data)
        if kind is Path and isinstance(data, str):
            return Path(data)
        if kind is Any or type(data) is kind or (kind is float and type(data) is int):
            return data
        raise ValueError(f"{data!r:.40} instead of {kind}")

    def _dataclass(self, kind: Any, data: Mapping[str, Any]) -> Any:
        names = [field.name for field in fields(kind)]
        if list(data) != names:  # in order, as the arrays are
            raise ValueError(f"{', '.join(data)} instead of {', '.join(names)}")
        hints = get_type_hints(kind)
        return kind(**{name: self.typed(hints[name], data[name]) for name in names})

    def _array(
        self, wanted: type[np.generic], *, dtype: str, shape: list[int], order: Any
    ) -> NDArray[Any]:
        found = _checked(wanted, dtype, shape)
        content = bytearray(math.prod(shape) * found.itemsize)
        if self._file.readinto(content) != len(content):  # type: ignore[attr-defined]  # files can
            raise ValueError("an array is cut short")
        return np.frombuffer(content, found).reshape(shape, order=order)

    def _mapped(
        self, wanted: type[np.generic], *, dtype: str, shape: list[int], file: str
    ) -> NDArray[Any]:
        found = _checked(wanted, dtype, shape)
        path = self._find(file)
        if path.stat().st_size < math.prod(shape) * found.itemsize:
            raise ValueError(f"the array in {path} is cut short")
        return np.memmap(path, found, mode="r", shape=tuple(shape))


def _checked(wanted: type[np.generic], dtype: str, shape: list[int]) -> np.dtype[Any]:
    found = np.dtype(dtype)
    if found.kind != np.dtype(wanted).kind:
        raise ValueError(f"an array of {found} instead of {np.dtype(wanted)}")
    if any(type(n) is not int or n < 0 for n in shape):
        raise ValueError(f"an array of shape {shape!r:.40}")
    return found
