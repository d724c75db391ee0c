"""``encoder.onnx`` and ``decoder.onnx``, exported from the trained modules.

Constants are not folded: every weight keeps its name and numbers in torch, so that training can
start from a bundle (``training.fit.init_from``). ONNX Runtime folds them when it loads.
"""

from __future__ import annotations

import onnx
import torch
from torch import Tensor, nn

from export.bundle.format import StateSpec
from export.graphs.streaming import OPSET, checked, quiet, streaming_graph
from model.config import ModelConfig
from model.features import LogMelImage
from model.instrument import Instrument
from model.vocoder import Spectra

INPUTS = ("style", "structure")

EXAMPLE_FRAMES = 5
"""Neither 1 nor any size of the model: the exporter would take such a length as fixed."""


def encoder_graph(model: Instrument) -> bytes:
    """``encoder.onnx``: audio (1, input_samples) -> style (1, D), structure (1, S, K) and more.

    A third output, ``style_log_variance`` (1, D), is for training that starts from the bundle;
    playing does not use it.
    """
    audio = torch.zeros(1, model.config.input_samples)
    with quiet(), torch.no_grad():
        program = torch.onnx.export(
            Posterior(model).eval(),
            (audio,),
            input_names=["audio"],
            output_names=["style", "structure", "style_log_variance"],
            dynamo=True,
            opset_version=OPSET,
            optimize=False,
            verbose=False,
        )
    assert program is not None  # it is None only if the exporter writes to a file
    return checked(_with_plain_casts(program.model_proto).SerializeToString())


def decoder_graph(model: Instrument) -> bytes:
    """``decoder.onnx``: style, structure and states -> ``Spectra`` and next states."""
    examples = example_inputs(model.config, EXAMPLE_FRAMES)
    return streaming_graph(
        model.spectra_decoder(),
        dict(zip(INPUTS, examples, strict=True)),
        outputs=Spectra._fields,
        dynamic_axes={
            **{name: {2: "frames"} for name in INPUTS},
            **{name: {2: "spectra"} for name in Spectra._fields},
        },
        fold_constants=False,
    )


def state_specs(model: Instrument) -> tuple[StateSpec, ...]:
    """The states of ``decoder.onnx``, in its order."""
    states = model.spectra_decoder().initial_state(1)
    return tuple(StateSpec(name, tuple(value.shape)) for name, value in states.items())


def example_inputs(config: ModelConfig, frames: int) -> tuple[Tensor, Tensor]:
    """Random style (1, D, N) and structure (1, S, N)."""
    return (
        torch.randn(1, config.encoder.style_dims, frames),
        torch.randn(1, config.structure_dims, frames),
    )


class Posterior(nn.Module):
    """Features and encoder, with the log-variance of style, which training needs."""

    def __init__(self, model: Instrument) -> None:
        super().__init__()
        self.features = LogMelImage(model.config.features)
        self.encoder = model.encoder

    def forward(self, audio: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, T) -> mean (B, D), structure (B, S, K), log-variance (B, D)."""
        latents = self.encoder(self.features(audio))
        return latents.style_mean, latents.structure, latents.style_log_variance


def _with_plain_casts(model: onnx.ModelProto) -> onnx.ModelProto:
    """Replace casts of constants to the type of an activation by casts to float, which it is.

    The exporter writes the missing bias of a convolution this way. ONNX Runtime cannot fold what
    depends on an activation, and so not the batch norm into the convolution: a fifth of the time.
    """
    for node in model.graph.node:
        if node.op_type == "CastLike":
            del node.input[1:]
            node.op_type = "Cast"
            node.attribute.append(onnx.helper.make_attribute("to", onnx.TensorProto.FLOAT))
    return model
