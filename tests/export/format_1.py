"""A bundle of format 1, as older versions exported it: its decoder gives sound, not spectra."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from export.bundle.format import Bundle, BundleDeck, Dimension, StateSpec, StyleStatistics
from export.card import Card
from export.contents import make_manifest
from export.graphs.encoder_decoder import encoder_graph, example_inputs
from export.graphs.rounding import store_half
from export.graphs.streaming import streaming_graph
from model.instrument import Instrument, excitation
from tests import mini_bundle


def sound_graph(model: Instrument) -> bytes:
    """``decoder.onnx`` of format 1: style, structure, noise and states -> audio and states."""
    noise = excitation(model.config, 1, 5, torch.device("cpu"))
    style, structure = example_inputs(model.config, 5)
    return streaming_graph(
        model.streaming_decoder(),
        {"style": style, "structure": structure, "noise": noise},
        outputs=("audio",),
        dynamic_axes={
            "style": {2: "frames"},
            "structure": {2: "frames"},
            "noise": {2: "spectra"},
        },
        fold_constants=False,
    )


def old_bundle(model: Instrument, decks: dict[str, BundleDeck]) -> Bundle:
    """The model's bundle, with knobs, figures and a prior that only have to be kept."""
    dims = model.config.encoder.style_dims
    states = model.streaming_decoder().initial_state(1)
    manifest = replace(
        make_manifest(model, Card(name="old", licence="CC0", attribution=("nobody",))),
        format=1,
        window_samples=0,
        states=tuple(StateSpec(name, tuple(value.shape)) for name, value in states.items()),
        quality={"share_closed": 0.25},
        training={"vocoder": {"steps": 7}},
        parity={"prior": 1e-6, "decoder": 2e-6},
    )
    generator = np.random.default_rng(0)
    rotation, _ = np.linalg.qr(generator.standard_normal((dims, dims)))
    return Bundle(
        manifest=manifest,
        encoder_onnx=store_half(encoder_graph(model)),
        decoder_onnx=store_half(sound_graph(model)),
        latents=StyleStatistics(
            generator.standard_normal(dims).astype(np.float32),
            rotation.astype(np.float32),
            np.linspace(1, 0.1, dims, dtype=np.float32),
        ),
        dimensions=tuple(
            Dimension(n, "brightness" if n == 0 else None, effect=1.5, range=(-2, 3))
            for n in range(dims)
        ),
        decks=decks,
        prior_onnx=mini_bundle.prior_onnx(),
    )
