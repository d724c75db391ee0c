"""The two ONNX graphs of a bundle, made from the very modules that were trained.

Nothing is folded: every weight keeps the name and the numbers it has in torch, so that training
can go on from a bundle (``training.fit.init_from``). ONNX Runtime folds when it loads.
"""

from __future__ import annotations

import onnx
import torch
from torch import Tensor, nn

from export.graphs.streaming import OPSET, checked, quiet, streaming_graph
from model.config import ModelConfig
from model.features import LogMelImage
from model.instrument import Instrument

EXAMPLE_FRAMES = 5
"""Any length but 1 and the model's own sizes: the exporter would take such a length as fixed."""


def encoder_graph(model: Instrument) -> bytes:
    """``encoder.onnx``: audio (1, input_samples) -> style (1, D), structure (1, S, K) and more.

    A third output, ``style_log_variance`` (1, D), is what training goes on from; playing has no
    use for it.
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
    assert program is not None  # only None where a file was named to write to
    return checked(_with_plain_casts(program.model_proto).SerializeToString())


def decoder_graph(model: Instrument) -> bytes:
    """``decoder.onnx``: style, structure, noise and states -> audio and next states."""
    names = ("style", "structure", "noise")
    examples = example_inputs(model.config, EXAMPLE_FRAMES)
    return streaming_graph(
        model.streaming_decoder(),
        dict(zip(names, examples, strict=True)),
        output="audio",
        dynamic_axes={
            "style": {2: "frames"},
            "structure": {2: "frames"},
            "noise": {2: "spectra"},
        },
        fold_constants=False,
    )


def example_inputs(config: ModelConfig, frames: int) -> tuple[Tensor, Tensor, Tensor]:
    """Random style (1, D, N), structure (1, S, N) and noise (1, F, L)."""
    spectra = frames * config.vocoder.spectra_per_frame
    return (
        torch.randn(1, config.encoder.style_dims, frames),
        torch.randn(1, config.structure_dims, frames),
        torch.randn(1, config.spectrum_bins, spectra),
    )


class Posterior(nn.Module):
    """The half that listens and all it knows of style: the log-variance is there for training."""

    def __init__(self, model: Instrument) -> None:
        super().__init__()
        self.features = LogMelImage(model.config.features)
        self.encoder = model.encoder

    def forward(self, audio: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, T) -> mean (B, D), structure (B, S, K), log-variance (B, D)."""
        latents = self.encoder(self.features(audio))
        return latents.style_mean, latents.structure, latents.style_log_variance


def _with_plain_casts(model: onnx.ModelProto) -> onnx.ModelProto:
    """Constants that are cast like an activation, which is float here, cast to float instead.

    The exporter writes the missing bias of a convolution so. ONNX Runtime cannot fold what hangs
    on an activation, nor then the batch norm into the convolution: a fifth of the time.
    """
    for node in model.graph.node:
        if node.op_type == "CastLike":
            del node.input[1:]
            node.op_type = "Cast"
            node.attribute.append(onnx.helper.make_attribute("to", onnx.TensorProto.FLOAT))
    return model
