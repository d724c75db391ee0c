"""The decoder as a stream: latents of some frames in, their audio out, state kept in between.

    style (D,N), structure (S,N), noise (F,N*r)  ->  step  ->  spectra, or audio (C, N*hop)
                                                    |  ^
                                                   states

Graphs of format 2 give spectra and need no noise; those of format 1 give audio. The engine knows
only ``DecoderSession``; ``OrtDecoderSession`` runs the bundle's graph in ONNX Runtime, and tests
use fakes of a few lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import onnxruntime

from export.audio.arrays import Floats
from export.bundle.format import Bundle, Manifest
from server.engine.runtime import (
    CPU,
    RuntimeOptions,
    RuntimeUnavailable,
    active_provider,
    open_model,
)
from server.engine.spectra import DecodedSpectra

WARM_UP_STEPS = 8
"""The first calls allocate, choose kernels and page weights in; later ones cost the same."""


_SPECTRA = ("log_magnitude", "advance", "spread")
"""Outputs of a graph that gives spectra, as in ``DecodedSpectra``."""


class DecoderSession(Protocol):
    """A decoder that streams."""

    @property
    def provider(self) -> str:
        """The execution provider, as ONNX Runtime names it."""

    def step(self, style: Floats, structure: Floats, noise: Floats) -> Floats | DecodedSpectra:
        """Return the spectra, or audio (C, N*hop), of style (D,N), structure (S,N) and normal noise
        (F, N*r)."""

    def reset(self) -> None:
        """Set all states back to zero."""


class OrtDecoderSession:
    """The bundle's decoder in ONNX Runtime; buffers and states are allocated once.

    States live on the device in two sets that alternate: one step writes the set that the next
    reads. Steps of ``frames``, if given, run a graph planned for this size; all other sizes share
    one graph, which is loaded, and its buffers allocated, when first needed or prepared.

    Raises:
        RuntimeUnavailable: the graph does not load or does not match the manifest, or the device
            cannot be used.
    """

    def __init__(self, bundle: Bundle, options: RuntimeOptions, frames: int | None = None) -> None:
        self._manifest = bundle.manifest
        self._model = bundle.decoder_onnx
        self._options = options
        self._frames = frames
        self._graphs: dict[int | None, onnxruntime.InferenceSession] = {}
        self.provider = active_provider(self._graph(frames))
        self._device = "cpu" if self.provider == CPU else "cuda"
        shapes = [state.shape for state in self._manifest.states]
        self._states = [[self._value(shape) for shape in shapes] for _ in range(2)]
        self._zeros = [np.zeros(shape, np.float32) for shape in shapes]
        self._turn = 0
        self._buffers: dict[int, _Buffers] = {}
        if frames is not None:
            self._buffers[frames] = self._allocate(frames)

    def prepare(self, sizes: Iterable[int]) -> None:
        """Load, allocate and run once what steps of these ``sizes`` need; resets the stream."""
        for frames in sizes:
            warm_up(self, self._manifest, frames, steps=1)

    def step(self, style: Floats, structure: Floats, noise: Floats) -> Floats | DecodedSpectra:
        """Decode the next N frames; see ``DecoderSession.step``."""
        frames = style.shape[1]
        if frames not in self._buffers:
            self._buffers[frames] = self._allocate(frames)
        buffers = self._buffers[frames]
        given = (style, structure, noise)[: len(buffers.inputs)]  # spectra need no noise
        for value, data in zip(buffers.inputs, given, strict=True):
            value.update_inplace(np.ascontiguousarray(data[None], np.float32))
        buffers.graph.run_with_iobinding(buffers.bindings[self._turn])
        self._turn = 1 - self._turn
        # On the CPU the result is the buffer itself.
        outputs = [value.numpy()[0] for value in buffers.outputs]
        if self._manifest.gives_spectra:
            return DecodedSpectra(*(np.ascontiguousarray(one.T) for one in outputs))
        audio: Floats = outputs[0].copy()
        return audio

    def reset(self) -> None:
        """Zero the states that the next step reads."""
        for value, zeros in zip(self._states[self._turn], self._zeros, strict=True):
            if zeros.size:
                value.update_inplace(zeros)

    def _allocate(self, frames: int) -> _Buffers:
        manifest, graph = self._manifest, self._graph(frames)
        spectra = (1, manifest.spectrum_bins, frames * manifest.spectra_per_frame)
        inputs = [
            self._value((1, manifest.style_dims, frames)),
            self._value((1, manifest.structure_dims, frames)),
        ]
        if manifest.gives_spectra:
            outputs = [self._value(spectra) for _ in _SPECTRA]
        else:
            inputs.append(self._value(spectra))
            outputs = [self._value((1, manifest.channels, frames * manifest.hop_samples))]
        bindings = [
            self._bind(graph, inputs, outputs, self._states[turn], self._states[1 - turn])
            for turn in range(2)
        ]
        return _Buffers(graph, inputs, outputs, bindings)

    def _graph(self, frames: int | None) -> onnxruntime.InferenceSession:
        """The decoder for steps of this size."""
        size = frames if frames == self._frames else None
        if size not in self._graphs:
            graph = open_model(self._model, self._options, _dimensions(self._manifest, size))
            _check_names(graph, self._manifest)
            self._graphs[size] = graph
        return self._graphs[size]

    def _bind(
        self,
        graph: onnxruntime.InferenceSession,
        inputs: Sequence[onnxruntime.OrtValue],
        outputs: Sequence[onnxruntime.OrtValue],
        states: Sequence[onnxruntime.OrtValue],
        next_states: Sequence[onnxruntime.OrtValue],
    ) -> onnxruntime.IOBinding:
        binding = graph.io_binding()
        for spec, value in zip(graph.get_inputs(), (*inputs, *states), strict=True):
            binding.bind_ortvalue_input(spec.name, value)
        for spec, value in zip(graph.get_outputs(), (*outputs, *next_states), strict=True):
            binding.bind_ortvalue_output(spec.name, value)
        return binding

    def _value(self, shape: tuple[int, ...]) -> onnxruntime.OrtValue:
        return onnxruntime.OrtValue.ortvalue_from_numpy(
            np.zeros(shape, np.float32), self._device, 0
        )


@dataclass(frozen=True)
class _Buffers:
    """Inputs and outputs of steps of one size, bound to both sets of states."""

    graph: onnxruntime.InferenceSession
    inputs: list[Any]
    outputs: list[Any]
    bindings: list[Any]


def warm_up(
    session: DecoderSession, manifest: Manifest, frames: int, steps: int = WARM_UP_STEPS
) -> None:
    """Run ``steps`` blocks of silence and reset, so that the stream's first block is on time."""
    zeros = [
        np.zeros((dims, columns), np.float32)
        for dims, columns in (
            (manifest.style_dims, frames),
            (manifest.structure_dims, frames),
            (manifest.spectrum_bins, frames * manifest.spectra_per_frame),
        )
    ]
    for _ in range(steps):
        session.step(*zeros)
    session.reset()


def _dimensions(manifest: Manifest, frames: int | None) -> dict[str, int]:
    if frames is None:
        return {}
    return {"frames": frames, "spectra": frames * manifest.spectra_per_frame}


def _check_names(session: onnxruntime.InferenceSession, manifest: Manifest) -> None:
    """Check the names of inputs and outputs, since these are bound by position."""
    states = [state.name for state in manifest.states]
    inputs, outputs = ((), _SPECTRA) if manifest.gives_spectra else (("noise",), ("audio",))
    for found, expected in (
        (session.get_inputs(), ["style", "structure", *inputs, *states]),
        (session.get_outputs(), [*outputs, *(f"next_{name}" for name in states)]),
    ):
        names = [spec.name for spec in found]
        if names != expected:
            raise RuntimeUnavailable(
                f"the decoder has {', '.join(names)}; the manifest expects {', '.join(expected)}; "
                "export the checkpoint again"
            )
