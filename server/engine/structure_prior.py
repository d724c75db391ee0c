"""The bundle's prior over structure in ONNX Runtime: past ticks in, the next tick out.

structure (S,K), style (D,), temperature, noise  ->  draw_next  ->  next tick (S,)
                                                     |      ^
                                                      states
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from export.audio.arrays import Floats
from export.bundle.format import Bundle, Manifest
from server.engine.runtime import RuntimeOptions, RuntimeUnavailable, open_model

NO_PRIOR = (
    "this bundle has no prior over structure; fit one with python -m training.fit --stage 4 and "
    "export the run again"
)

INPUTS = ("structure", "style", "temperature", "normal", "uniform")


class NoPriorError(ValueError):
    """``/generate`` was asked of a bundle without a prior."""

    def __init__(self) -> None:
        super().__init__(NO_PRIOR)


@dataclass(frozen=True)
class SamplingNoise:
    """The random numbers of one tick: standard normal ones (S,) and one from 0 to 1."""

    normal: Floats
    uniform: float


class StructurePrior(Protocol):
    """A model of what may come next, with its own memory."""

    def draw_next(
        self, structure: Floats, style: Floats, temperature: float, noise: SamplingNoise
    ) -> Floats:
        """Take the next played ticks (S,K) and style (D,); draw the tick after them (S,)."""

    def reset(self) -> None:
        """Clear the memory."""


class OrtPrior:
    """The bundle's prior on the CPU: a tick is too little work for a transfer to another device.

    Raises:
        RuntimeUnavailable: the graph does not load, or is not a prior.
    """

    def __init__(self, prior_onnx: bytes, manifest: Manifest) -> None:
        self._session = open_model(prior_onnx, RuntimeOptions("cpu"))
        inputs = self._session.get_inputs()
        names = tuple(spec.name for spec in inputs)
        if names[: len(INPUTS)] != INPUTS or inputs[0].shape[1] != manifest.structure_dims:
            raise RuntimeUnavailable(
                f"the prior has inputs {', '.join(names)}, not {', '.join(INPUTS)} and states for "
                f"{manifest.structure_dims} structure dimensions; export the run again"
            )
        self._shapes = {spec.name: spec.shape for spec in inputs[len(INPUTS) :]}
        self._states: dict[str, Floats] = {}
        self.reset()

    def draw_next(
        self, structure: Floats, style: Floats, temperature: float, noise: SamplingNoise
    ) -> Floats:
        """See ``StructurePrior.draw_next``."""
        values = (
            structure[None],
            style[None],
            np.full((1, 1), temperature, np.float32),
            noise.normal[None],
            np.full((1, 1), noise.uniform, np.float32),
        )
        tick, *states = self._session.run(
            None, dict(zip(INPUTS, values, strict=True)) | self._states
        )
        self._states = dict(zip(self._shapes, states, strict=True))
        return np.asarray(tick[0], np.float32)

    def reset(self) -> None:
        """Clear the memory."""
        self._states = {name: np.zeros(shape, np.float32) for name, shape in self._shapes.items()}


def open_prior(bundle: Bundle) -> OrtPrior | None:
    """Open the bundle's prior; None where it has none.

    Raises:
        RuntimeUnavailable: there is one, but it does not load.
    """
    return OrtPrior(bundle.prior_onnx, bundle.manifest) if bundle.prior_onnx else None
