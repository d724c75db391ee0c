"""The weights that a bundle holds, back in the model: to train on, or to write another format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from export.bundle.format import Bundle
from export.graphs.weights import GraphError, named_weights
from model.checkpoint import CheckpointError
from model.config import ConfigError, ModelConfig, preset
from model.instrument import Instrument

Numbers = dict[str, object]

NOT_IN_BUNDLES = "num_batches_tracked"
"""A counter of batch norms, which only cumulative averages use; it has no effect here."""


def instrument_of(path: Path, bundle: Bundle) -> Instrument:
    """The model of a bundle, with its weights, in evaluation mode; ``path`` is for messages.

    Raises:
        CheckpointError: of an unknown preset or another version of it, or some weights are missing.
    """
    try:
        config = preset(bundle.manifest.preset)
    except ConfigError as error:
        raise CheckpointError(f"bundle '{path}': {error}") from error
    wanted = numbers_of(config)
    check_numbers(path, numbers_in(bundle, wanted), wanted)
    model = Instrument(config)
    load_every_weight(path, weights_of(path, bundle), model)
    return model.eval()


def weights_of(path: Path, bundle: Bundle) -> dict[str, Tensor]:
    """The weights of encoder and decoder by their names in the model.

    Raises:
        CheckpointError: a graph is damaged.
    """
    try:
        stored = named_weights(bundle.encoder_onnx) | named_weights(bundle.decoder_onnx)
    except GraphError as error:
        raise CheckpointError(f"bundle '{path}': {error}; export its run again") from error
    return {name: torch.tensor(value) for name, value in stored.items()}


def load_every_weight(path: Path, stored: Mapping[str, Tensor], model: Instrument) -> None:
    """Load all weights of the model from those stored in ``path``.

    Raises:
        CheckpointError: some are missing or of another shape; the model is as it was.
    """
    weights = {}
    for name, untrained in model.state_dict().items():
        if name.endswith(NOT_IN_BUNDLES):
            weights[name] = stored.get(name, untrained)
            continue
        if name not in stored:
            raise CheckpointError(
                f"{path} lacks the weights '{name}', as bundles older than --init-from do; export "
                "its run again, or give the run's folder"
            )
        if stored[name].shape != untrained.shape:
            raise CheckpointError(
                f"{path} has '{name}' of shape {tuple(stored[name].shape)}, but the model has "
                f"{tuple(untrained.shape)}; it was trained with another version of the preset"
            )
        weights[name] = stored[name]
    model.load_state_dict(weights)


def numbers_of(config: ModelConfig) -> Numbers:
    """The numbers that weights depend on, by their names in a bundle's manifest."""
    return {
        "preset": config.preset,
        "sample_rate_hz": config.features.sample_rate_hz,
        "hop_samples": config.features.hop_samples,
        "mel_bins": config.features.mel_bins,
        "context_samples": config.features.context_samples,
        "frames_per_tick": config.encoder.frames_per_tick,
        "spectrum_bins": config.spectrum_bins,
        "spectra_per_frame": config.vocoder.spectra_per_frame,
    }


def numbers_in(bundle: Bundle, wanted: Numbers) -> Numbers:
    """The numbers of a bundle that ``wanted`` names."""
    return {name: getattr(bundle.manifest, name) for name in wanted}


def check_numbers(path: Path, found: Numbers, wanted: Numbers) -> None:
    """Refuse weights of another model.

    Raises:
        CheckpointError: a number differs.
    """
    for name, value in wanted.items():
        if found[name] != value:
            raise CheckpointError(
                f"{path} has {name} {found[name]!r}, but the model has {value!r}; give one of the "
                "same preset and version"
            )
