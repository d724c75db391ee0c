"""Makes the contents of a bundle from a trained run: manifest, style space, graphs, decks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from export.audio.model_input import LOUDNESS_LUFS
from export.bundle.format import Bundle, Dimension, Manifest, StyleStatistics
from export.card import Card
from export.graphs.encoder_decoder import decoder_graph, encoder_graph, state_specs
from export.graphs.parity import Parity, measure_parity
from export.graphs.rounding import round_weights, store_half
from export.library_decks import make_decks
from model.instrument import Instrument


def make_bundle(
    model: Instrument,
    latents: StyleStatistics,
    dimensions: tuple[Dimension, ...],
    card: Card,
    media: Path,
    training: Mapping[str, Any],
    quality: Mapping[str, Any],
) -> tuple[Bundle, Parity]:
    """Round the weights, export the graphs, compare them with the model, and encode the decks.

    Raises:
        ParityError: a graph differs from the model.
        AudioError: a deck's recording cannot be used.
    """
    round_weights(model)
    model.eval()
    encoder_onnx = store_half(encoder_graph(model))
    decoder_onnx = store_half(decoder_graph(model))
    parity = measure_parity(model, encoder_onnx, decoder_onnx)
    parity.check()
    manifest = replace(
        make_manifest(model, card),
        parity=parity.to_dict(),
        training=dict(training),
        quality=dict(quality),
    )
    bundle = Bundle(
        manifest=manifest,
        encoder_onnx=encoder_onnx,
        decoder_onnx=decoder_onnx,
        latents=latents,
        dimensions=dimensions,
        decks=make_decks(card.decks, media, model, manifest),
    )
    return bundle, parity


def make_manifest(model: Instrument, card: Card) -> Manifest:
    """Fill the manifest from the model's configuration."""
    config = model.config
    return Manifest(
        name=card.name,
        preset=config.preset,
        sample_rate_hz=config.features.sample_rate_hz,
        hop_samples=config.features.hop_samples,
        channels=config.channels,
        mel_bins=config.features.mel_bins,
        style_dims=config.encoder.style_dims,
        structure_dims=config.structure_dims,
        structure_channels=config.encoder.structure_channels,
        structure_bands=config.bands if config.has_structure else 0,
        frames_per_tick=config.encoder.frames_per_tick,
        clip_samples=config.clip_samples,
        input_samples=config.input_samples,
        context_samples=config.features.context_samples,
        clip_ticks=config.clip_ticks,
        spectrum_bins=config.spectrum_bins,
        spectra_per_frame=config.vocoder.spectra_per_frame,
        latency_samples=config.latency_samples,
        loudness_lufs=LOUDNESS_LUFS,
        states=state_specs(model),
        has_structure=config.has_structure,
        licence=card.licence,
        attribution=card.attribution,
        window_samples=config.vocoder.window_samples,
        lowest_hz=config.features.lowest_hz,
        highest_hz=config.features.top_hz,
    )
