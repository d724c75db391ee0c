"""Parity: the exported graphs are compared with the model before a bundle may be written."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import onnxruntime
import torch
from torch import Tensor

from export.audio.arrays import Floats
from export.graphs.encoder_decoder import Posterior, example_inputs
from model.instrument import Instrument

LARGEST_DIFFERENCE = 1e-4
"""Full scale is 1. Beyond this a bundle is refused."""

BLOCKS_FRAMES = (1, 2, 3, 7, 64)
"""Block sizes of the chunked runs, taken in random order."""


class ParityError(ValueError):
    """An exported graph differs from the trained model."""


@dataclass(frozen=True)
class Parity:
    """Largest absolute differences; latents and audio are of the order of 1."""

    encoder: float
    decoder: float
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
    inputs = example_inputs(model.config, frames)
    whole, states = _play_torch(model, inputs, [frames])
    exported = _Stream(decoder_onnx, model)
    whole_onnx = exported.play(inputs, [frames])
    state_difference = max(
        (
            float(np.abs(value - states[name].numpy()).max())
            for name, value in exported.state.items()
            if value.size
        ),
        default=0.0,
    )
    blocks = _random_blocks(frames)
    chunked_onnx = _Stream(decoder_onnx, model).play(inputs, blocks)
    chunked_torch, _ = _play_torch(model, inputs, blocks)
    return Parity(
        encoder=_encoder_difference(model, encoder_onnx),
        decoder=float(np.abs(whole_onnx - whole).max()),
        chunked_torch=float(np.abs(chunked_torch - whole).max()),
        chunked_onnx=float(np.abs(chunked_onnx - whole_onnx).max()),
        next_states=state_difference,
    )


class _Stream:
    """A decoder graph with the state it carries from block to block."""

    def __init__(self, graph: bytes, model: Instrument) -> None:
        self.session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
        self.per_frame = model.config.vocoder.spectra_per_frame
        self.state = {
            name: value.numpy()
            for name, value in model.streaming_decoder().initial_state(1).items()
        }

    def play(self, inputs: Sequence[Tensor], blocks: list[int]) -> Floats:
        """Decode the blocks one after the other; return all their audio."""
        return np.concatenate(
            [self._step(_cut(inputs, *span, self.per_frame)) for span in _spans(blocks)], axis=2
        )

    def _step(self, inputs: Sequence[Tensor]) -> Floats:
        feed = dict(zip(("style", "structure", "noise"), (x.numpy() for x in inputs), strict=True))
        # Empty states are not used in the graph, and ONNX Runtime has no inputs for them.
        known = {one.name for one in self.session.get_inputs()}
        feed |= {name: value for name, value in self.state.items() if name in known}
        audio, *after = self.session.run(None, feed)
        self.state = dict(zip(self.state, after, strict=True))
        return np.asarray(audio)


def _play_torch(
    model: Instrument, inputs: Sequence[Tensor], blocks: list[int]
) -> tuple[Floats, dict[str, Tensor]]:
    """Decode the blocks one after the other; return all their audio and the last states."""
    decoder, per_frame = model.streaming_decoder().eval(), model.config.vocoder.spectra_per_frame
    state = decoder.initial_state(1)
    parts = []
    for span in _spans(blocks):
        audio, state = decoder(*_cut(inputs, *span, per_frame), state)
        parts.append(audio.numpy())
    return np.concatenate(parts, axis=2), state


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


def _cut(inputs: Sequence[Tensor], first: int, last: int, per_frame: int) -> list[Tensor]:
    style, structure, noise = inputs
    return [
        style[..., first:last],
        structure[..., first:last],
        noise[..., first * per_frame : last * per_frame],
    ]
