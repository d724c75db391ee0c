"""``prior.onnx``, the optional member of a bundle: exported and compared with the prior."""

from __future__ import annotations

import itertools
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor

from export.audio.arrays import Floats
from export.bundle.format import Bundle
from export.graphs.parity import LARGEST_DIFFERENCE, ParityError
from export.graphs.rounding import round_weights, store_half
from export.graphs.streaming import streaming_graph
from model import checkpoint
from model.instrument import Instrument
from model.prior import Prior, StreamingPrior, encoder_digest

logger = logging.getLogger(__name__)

PART = "prior"
INPUTS = ("structure", "style", "temperature", "normal", "uniform")

BLOCKS_TICKS = (1, 64, 1, 3, 1, 1)
"""Ticks per call in the comparison: priming takes many at once, playing one at a time."""


def add_prior(bundle: Bundle, run: Path, model: Instrument) -> Bundle:
    """Add the run's prior to the bundle, if the run has one for this encoder.

    Raises:
        CheckpointError: unreadable, or trained with another encoder than the model's.
        ParityError: the graph does not draw what the model draws.
    """
    if not checkpoint.has_part(run, PART):
        return bundle
    trained = trained_prior(run, model)
    if trained is None:
        return bundle
    prior, progress = trained
    round_weights(prior)
    graph = store_half(prior_graph(prior))
    difference = measure_prior(prior, graph)
    if not difference <= LARGEST_DIFFERENCE:
        raise ParityError(
            f"prior differs by {difference:.2e}, at most {LARGEST_DIFFERENCE:.0e} is allowed; "
            "no bundle was written"
        )
    manifest = replace(
        bundle.manifest,
        parity={**bundle.manifest.parity, PART: difference},
        training={**bundle.manifest.training, PART: progress},
    )
    return replace(bundle, manifest=manifest, prior_onnx=graph)


def trained_prior(run: Path, model: Instrument) -> tuple[Prior, checkpoint.Progress] | None:
    """Load a run's prior in evaluation mode, and its progress.

    A run that began with the weights of another also has its prior. It is left out (None) if the
    encoder has been trained since.

    Raises:
        CheckpointError: unreadable, or trained in this run with another encoder than the model's.
    """
    prior = Prior(model.config)
    progress = checkpoint.load_part(run, PART, {PART: prior})
    if not torch.equal(prior.encoder_digest, encoder_digest(model.encoder)):
        if not progress["steps"]:
            logger.warning(
                "the prior that %s began with was trained with another encoder and is left out; "
                "train it again with python -m training.fit --stage 4",
                run,
            )
            return None
        raise checkpoint.CheckpointError(
            f"the prior in {run} was trained with another autoencoder than the run holds now; "
            "train it again with python -m training.fit --stage 4 --resume"
        )
    return prior.eval(), progress


def prior_graph(prior: Prior) -> bytes:
    """``prior.onnx``: ticks so far, style, temperature, random numbers and states -> the next tick
    and states."""
    return streaming_graph(
        StreamingPrior(prior),
        dict(zip(INPUTS, example_inputs(prior, ticks=5), strict=True)),
        outputs=("tick",),
        dynamic_axes={"structure": {2: "ticks"}},
        # Weights keep their names, so that training can start from the bundle.
        fold_constants=False,
    )


def example_inputs(prior: Prior, ticks: int) -> tuple[Tensor, ...]:
    """Random structure (1, S, K), style (1, D), temperature (1, 1), normal (1, S) and uniform
    (1, 1)."""
    return (
        torch.randn(1, prior.dims, ticks),
        torch.randn(1, prior.style_dims),
        torch.ones(1, 1),
        torch.randn(1, prior.dims),
        torch.rand(1, 1),
    )


@torch.no_grad()
def measure_prior(prior: Prior, graph: bytes) -> float:
    """Largest difference between the ticks of graph and model, over a stream of calls."""
    torch.manual_seed(0)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    player = StreamingPrior(prior).eval()
    state = player.initial_state(1)
    fed = {name: value.numpy() for name, value in state.items()}
    differences = []
    for ticks, factor in itertools.product(BLOCKS_TICKS, (1.0, 0.5)):
        structure, style, temperature, *random = example_inputs(prior, ticks)
        inputs = (structure, style, factor * temperature, *random)
        expected, state = player(*inputs, state)
        values: dict[str, Floats] = dict(zip(INPUTS, (x.numpy() for x in inputs), strict=True))
        tick, *after = session.run(None, values | fed)
        fed = dict(zip(fed, after, strict=True))
        differences.append(float(np.abs(tick - expected.numpy()).max()))
    return max(differences)
