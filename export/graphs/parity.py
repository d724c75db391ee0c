"""Parity: the exported graphs are compared with the model before a bundle may be written."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import onnxruntime
import torch
from torch import Tensor

from export.audio.arrays import Floats
from export.graphs.encoder_decoder import INPUTS, Posterior, example_inputs
from model.instrument import Instrument
from model.streaming import State
from model.vocoder import Spectra

LARGEST_DIFFERENCE = 1e-4
"""Beyond this a bundle is refused."""

BLOCKS_FRAMES = (1, 2, 3, 7, 64)
"""Block sizes of the chunked runs, taken in random order."""


class ParityError(ValueError):
    """An exported graph differs from the trained model."""


@dataclass(frozen=True)
class Parity:
    """Largest absolute differences between numbers of the order of 1.

    ``encoder`` compares latents. Spectra are compared at every bin, however quiet: log magnitudes
    in nepers (1e-4 are 0.001 dB), advance and spread in radians. Neither is wrapped: the advance is
    limited to +-pi by a tanh.
    """

    encoder: float
    log_magnitude: float
    advance: float
    spread: float
    chunked_torch: float
    chunked_onnx: float
    next_states: float

    def to_dict(self) -> dict[str, float]:
        """The figures by name, for the manifest."""
        return asdict(self)

    def check(self) -> None:
        """Refuse a difference above ``LARGEST_DIFFERENCE``.

        Raises:
            ParityError: there is one.
        """
        for name, value in self.to_dict().items():
            if not value <= LARGEST_DIFFERENCE:
                raise ParityError(
                    f"{name} differs by {value:.2e}, at most {LARGEST_DIFFERENCE:.0e} is allowed; "
                    "no bundle was written"
                )


@torch.no_grad()
def measure_parity(model: Instrument, encoder_onnx: bytes, decoder_onnx: bytes) -> Parity:
    """Compare both graphs with the model, and blocks with the whole, on random inputs."""
    torch.manual_seed(0)
    frames = 2 * sum(BLOCKS_FRAMES)
    blocks = _random_blocks(frames)
    inputs = example_inputs(model.config, frames)
    whole, states = _play_torch(model, inputs, [frames])
    whole_onnx, states_onnx = _play_onnx(model, decoder_onnx, inputs, [frames])
    chunked, _ = _play_torch(model, inputs, blocks)
    chunked_onnx, _ = _play_onnx(model, decoder_onnx, inputs, blocks)
    return Parity(
        encoder=_encoder_difference(model, encoder_onnx),
        **{name: _largest([whole_onnx[name]], [whole[name]]) for name in Spectra._fields},
        chunked_torch=_largest(chunked.values(), whole.values()),
        chunked_onnx=_largest(chunked_onnx.values(), whole_onnx.values()),
        next_states=_largest(states_onnx.values(), (states[name] for name in states_onnx)),
    )


Arrays = dict[str, Floats]
"""Spectra or states by name."""


def _play_onnx(
    model: Instrument, graph: bytes, inputs: Sequence[Tensor], blocks: list[int]
) -> tuple[Arrays, Arrays]:
    """Decode the blocks one after the other; return all their spectra and the last states."""
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    # Empty states are not used in the graph, and ONNX Runtime has no inputs for them.
    known = {one.name for one in session.get_inputs()}
    state = _arrays(model.spectra_decoder().initial_state(1))
    parts = []
    for first, last in _spans(blocks):
        given = (x[..., first:last].numpy() for x in inputs)
        fed = {name: value for name, value in state.items() if name in known}
        results = session.run(None, dict(zip(INPUTS, given, strict=True)) | fed)
        parts.append(results[: len(Spectra._fields)])
        state = dict(zip(state, results[len(Spectra._fields) :], strict=True))
    return _joined(parts), state


def _play_torch(
    model: Instrument, inputs: Sequence[Tensor], blocks: list[int]
) -> tuple[Arrays, Arrays]:
    """Decode the blocks one after the other; return all their spectra and the last states."""
    decoder = model.spectra_decoder().eval()
    state = decoder.initial_state(1)
    parts = []
    for first, last in _spans(blocks):
        style, structure = (x[..., first:last] for x in inputs)
        spectra, state = decoder(style, structure, state)
        parts.append([one.numpy() for one in spectra])
    return _joined(parts), _arrays(state)


def _joined(parts: Sequence[Sequence[Floats]]) -> Arrays:
    """The spectra of all blocks, by name."""
    whole = (np.concatenate(one, axis=2) for one in zip(*parts, strict=True))
    return dict(zip(Spectra._fields, whole, strict=True))


def _arrays(state: State) -> Arrays:
    return {name: value.numpy() for name, value in state.items()}


def _largest(some: Iterable[Floats], others: Iterable[Floats]) -> float:
    """The largest difference between arrays in the same places; empty ones do not differ."""
    return max(float(np.abs(a - b).max(initial=0.0)) for a, b in zip(some, others, strict=True))


def _encoder_difference(model: Instrument, graph: bytes) -> float:
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    audio = 0.1 * torch.randn(1, model.config.input_samples)
    expected = Posterior(model).eval()(audio)
    got = session.run(None, {"audio": audio.numpy()})
    return max(float(np.abs(a - b.numpy()).max()) for a, b in zip(got, expected, strict=True))


def _random_blocks(frames: int) -> list[int]:
    blocks = [*BLOCKS_FRAMES, *BLOCKS_FRAMES]
    assert sum(blocks) == frames
    np.random.default_rng(0).shuffle(blocks)
    return blocks


def _spans(blocks: list[int]) -> list[tuple[int, int]]:
    ends = list(itertools.accumulate(blocks))
    return list(zip([0, *ends], ends, strict=False))
