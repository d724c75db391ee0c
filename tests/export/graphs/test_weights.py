"""Exported graphs hold the weights under their torch names, and little else."""

from __future__ import annotations

import zlib

import onnxruntime
import pytest
import torch

from export.graphs.encoder_decoder import decoder_graph, encoder_graph
from export.graphs.rounding import round_weights, store_half
from export.graphs.weights import GraphError, named_weights
from model.config import PRESETS
from model.instrument import Instrument


def test_a_decoder_graph_is_hardly_larger_than_its_weights() -> None:
    torch.manual_seed(0)
    model = Instrument(PRESETS["base"]).eval()
    round_weights(model)
    packed = zlib.compress(store_half(decoder_graph(model)), level=1)
    weights = sum(p.numel() for p in model.spectra_decoder().parameters())
    assert len(packed) < 2 * weights + 500_000
    # The encoder's constants are compressed too (a long test of --init-from writes the file).
    assert 2 * sum(p.numel() for p in model.parameters()) < 37_000_000


def test_weights_are_found_by_name_in_half_precision() -> None:
    model = Instrument(PRESETS["tiny"]).eval()
    round_weights(model)
    stored = named_weights(store_half(decoder_graph(model)))
    for name in ("vocoder.head.weight", "vocoder.norm.weight", "vocoder.blocks.1.norm.weight"):
        value = torch.tensor(stored[name]).float()
        assert torch.equal(value, model.state_dict()[name])
    assert stored["vocoder.head.weight"].dtype == "float16"


def test_the_encoder_graph_outputs_the_log_variance_of_style() -> None:
    model = Instrument(PRESETS["tiny"]).eval()
    session = onnxruntime.InferenceSession(encoder_graph(model))
    outputs = {one.name: one.shape for one in session.get_outputs()}
    assert list(outputs) == ["style", "structure", "style_log_variance"]
    assert outputs["style"] == outputs["style_log_variance"] == [1, 8]


def test_a_damaged_graph_is_refused() -> None:
    with pytest.raises(GraphError, match="not readable"):
        named_weights(b"\xff" * 20)
