"""ONNX graphs of streaming modules, whose states are inputs and outputs of the graph.

For the decoder and the prior; functions that all graphs share are here too.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from model.instrument import SpectraDecoder, StreamingDecoder
from model.prior import StreamingPrior
from model.streaming import State

OPSET = 20

Player = SpectraDecoder | StreamingDecoder | StreamingPrior


def streaming_graph(
    player: Player,
    given: Mapping[str, Tensor],
    outputs: Sequence[str],
    dynamic_axes: Mapping[str, Mapping[int, str]],
    fold_constants: bool = True,
) -> bytes:
    """Export ``player``: inputs like the examples ``given``, and states -> ``outputs`` and next
    states, ``next_*``.

    ``dynamic_axes`` names the axes that have any length. Without ``fold_constants``,
    every weight keeps its name and numbers in torch.
    """
    player = player.eval()
    state = player.initial_state(1)
    names = list(state)
    with quiet(), torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.onnx"
        # The newer exporter unrolls an LSTM to the example's length (torch 2.11: "tracing
        # inferred a static shape" for dynamic time); this one writes ONNX's own LSTM.
        torch.onnx.export(
            _Flat(player, names),
            (*given.values(), *state.values()),
            path,
            input_names=[*given, *names],
            output_names=[*outputs, *(f"next_{name}" for name in names)],
            dynamic_axes=dynamic_axes,
            dynamo=False,
            do_constant_folding=fold_constants,
            opset_version=OPSET,
        )
        return checked(path.read_bytes())


class _Flat(nn.Module):
    """A streaming module with its state as plain arguments and results, in a fixed order.

    Weights are called ``player.*`` in the graph; bundles are read by these names.
    """

    def __init__(self, player: Player, names: list[str]) -> None:
        super().__init__()
        self.player = player
        self.names = names

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        given, states = inputs[: -len(self.names)], inputs[-len(self.names) :]
        state: State = dict(zip(self.names, states, strict=True))
        output, after = self.player(*given, state)
        outputs = (output,) if isinstance(output, Tensor) else tuple(output)
        return (*outputs, *(after[name] for name in self.names))


def checked(graph: bytes) -> bytes:
    """Return the graph if it passes ONNX's checker."""
    onnx.checker.check_model(onnx.load_from_string(graph))
    return graph


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the exporter's log and warnings."""
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(previous)
