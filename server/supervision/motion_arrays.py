"""The recorded motion loop as arrays, which are quick to write and read even if it is long.

changes by frame   {0: (/pitch 1, /interp/xy .2 .3), 7: (/pitch 2,)}
addresses          /pitch /interp/xy
frames             0 0 7        one for each change
address_of         0 1 0
sizes              1 2 1
values             1 .2 .3 2    all of them, one after the other
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server.controls.events import SetControl

MotionLoop = tuple[Mapping[int, tuple[SetControl, ...]], int]
"""Recorded changes by frame, and the loop's length in frames."""


@dataclass(frozen=True, eq=False)
class MotionArrays:
    """A ``MotionLoop`` of N changes, in the order in which they are made.

    Raises:
        ValueError: the arrays do not belong together.
    """

    length_frames: int
    addresses: tuple[str, ...]
    frames: NDArray[np.int64]
    address_of: NDArray[np.int64]
    sizes: NDArray[np.int64]
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        columns = (self.frames, self.address_of, self.sizes)
        if any(column.shape != (self.frames.size,) for column in columns):
            raise ValueError("frames, addresses and sizes of different length")
        if (self.sizes < 0).any() or self.values.shape != (self.sizes.sum(),):
            raise ValueError(f"{self.values.size} values instead of {self.sizes.sum()}")
        if ((self.address_of < 0) | (self.address_of >= len(self.addresses))).any():
            raise ValueError(f"a number that is none of {len(self.addresses)} addresses")


def arrays_of(loop: MotionLoop) -> MotionArrays:
    """Return ``loop`` as arrays."""
    changes, length_frames = loop
    rows = [(frame, event) for frame, events in changes.items() for event in events]
    addresses = tuple(dict.fromkeys(event.address for _, event in rows))
    numbers = {address: number for number, address in enumerate(addresses)}
    return MotionArrays(
        length_frames,
        addresses,
        np.array([frame for frame, _ in rows], np.int64),
        np.array([numbers[event.address] for _, event in rows], np.int64),
        np.array([len(event.values) for _, event in rows], np.int64),
        np.array([value for _, event in rows for value in event.values], np.float64),
    )


def loop_of(arrays: MotionArrays) -> MotionLoop:
    """Inverse of ``arrays_of``."""
    values = iter(arrays.values.tolist())
    changes: dict[int, list[SetControl]] = {}
    rows = (arrays.frames.tolist(), arrays.address_of.tolist(), arrays.sizes.tolist())
    for frame, number, size in zip(*rows, strict=True):
        event = SetControl(arrays.addresses[number], tuple(next(values) for _ in range(size)))
        changes.setdefault(frame, []).append(event)
    return {frame: tuple(events) for frame, events in changes.items()}, arrays.length_frames
