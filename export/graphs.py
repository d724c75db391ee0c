"""The two ONNX graphs of a bundle, made from the very modules that were trained."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from model.config import ModelConfig
from model.instrument import Instrument, Listener, Player
from model.streaming import State

OPSET = 20

EXAMPLE_FRAMES = 5
"""Any length but 1 and the model's own sizes: the exporter would take such a length as fixed."""


def encoder_graph(model: Instrument) -> bytes:
    """``encoder.onnx``: audio (1, input_samples) -> style (1, D), structure (1, S, K)."""
    listener = Listener(model.config, model.encoder).eval()
    audio = torch.zeros(1, model.config.input_samples)
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            listener,
            (audio,),
            input_names=["audio"],
            output_names=["style", "structure"],
            dynamo=True,
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None  # only None where a file was named to write to
    return _checked(program.model_proto.SerializeToString())


def decoder_graph(model: Instrument) -> bytes:
    """``decoder.onnx``: style, structure, noise and states -> audio and next states."""
    player = model.player().eval()
    state = player.initial_state(1)
    names = list(state)
    inputs = (*example_inputs(model.config, EXAMPLE_FRAMES), *state.values())
    with _quiet(), torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "decoder.onnx"
        # The newer exporter unrolls an LSTM to the example's length (torch 2.11: "tracing
        # inferred a static shape" for dynamic time); this one writes ONNX's own LSTM.
        torch.onnx.export(
            _FlatPlayer(player, names),
            inputs,
            path,
            input_names=["style", "structure", "noise", *names],
            output_names=["audio", *(f"next_{name}" for name in names)],
            dynamic_axes={
                "style": {2: "frames"},
                "structure": {2: "frames"},
                "noise": {2: "spectra"},
            },
            dynamo=False,
            opset_version=OPSET,
        )
        return _checked(path.read_bytes())


def example_inputs(config: ModelConfig, frames: int) -> tuple[Tensor, Tensor, Tensor]:
    """Random style (1, D, N), structure (1, S, N) and noise (1, F, L)."""
    spectra = frames * config.vocoder.spectra_per_frame
    return (
        torch.randn(1, config.encoder.style_dims, frames),
        torch.randn(1, config.structure_dims, frames),
        torch.randn(1, config.spectrum_bins, spectra),
    )


class _FlatPlayer(nn.Module):
    """The player with its state as plain arguments and results, in a fixed order."""

    def __init__(self, player: Player, names: list[str]) -> None:
        super().__init__()
        self.player = player
        self.names = names

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        style, structure, noise, *memory = inputs
        state: State = dict(zip(self.names, memory, strict=True))
        audio, after = self.player(style, structure, noise, state)
        return (audio, *(after[name] for name in self.names))


def _checked(graph: bytes) -> bytes:
    onnx.checker.check_model(onnx.load_from_string(graph))
    return graph


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's log of its own steps."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
