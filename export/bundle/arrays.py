"""Named arrays inside a bundle: .npz files, read without pickle and with headers checked."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from export.bundle.format import MAX_ARRAYS_BYTES, BundleError


def read_arrays(
    data: bytes, shapes: Mapping[str, tuple[int | None, ...]], kind: type[np.floating[Any]]
) -> dict[str, NDArray[Any]]:
    """Read named arrays of an .npz; headers are checked before anything is allocated.

    ``None`` in a shape stands for any length of at least one.

    Raises:
        BundleError: unreadable, or not finite numbers of these shapes and this ``kind``.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {
                name: _read_array(archive, name, shape, np.dtype(kind))
                for name, shape in shapes.items()
            }
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, zlib.error) as error:
        raise BundleError(f"no readable arrays ({error})") from error


def _read_array(
    archive: zipfile.ZipFile, name: str, shape: tuple[int | None, ...], kind: np.dtype[Any]
) -> NDArray[Any]:
    try:
        info = archive.getinfo(f"{name}.npy")
    except KeyError:
        raise BundleError(f"array '{name}' is missing") from None
    if info.file_size > MAX_ARRAYS_BYTES:
        raise BundleError(f"array '{name}' has {info.file_size} bytes, most is {MAX_ARRAYS_BYTES}")
    with archive.open(info) as stream:
        file = io.BytesIO(stream.read(info.file_size))
    try:
        npy.read_magic(file)
        found, fortran, dtype = npy.read_array_header_1_0(file)
    except ValueError as error:
        raise BundleError(f"array '{name}' has no valid header ({error})") from error
    allowed = len(found) == len(shape) and all(
        n == want if want is not None else n >= 1 for n, want in zip(found, shape, strict=True)
    )
    if not allowed or dtype != kind:
        wanted = tuple("any" if n is None else n for n in shape)
        raise BundleError(f"array '{name}' is {dtype} {found}, not {kind} {wanted}")
    values = np.frombuffer(file.read(), dtype)
    if values.size != int(np.prod(found)):
        raise BundleError(f"array '{name}' is cut short")
    if not np.isfinite(values).all():
        raise BundleError(f"array '{name}' holds NaN or infinity")
    return values.reshape(found, order="F" if fortran else "C")


def write_arrays(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Write arrays for ``read_arrays``."""
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()
