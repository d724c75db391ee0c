"""Training that goes on from what others trained: a bundle, or another run."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from export.bundle import BundleError, read_bundle
from export.weights import GraphError, named_weights
from model.checkpoint import CheckpointError, load_config, load_instrument
from model.config import ModelConfig
from model.instrument import Instrument

Numbers = dict[str, object]

NOT_IN_BUNDLES = "num_batches_tracked"
"""A count that batch norms keep for averages of another kind; here it has no effect."""


def load_initial_weights(path: Path, model: Instrument) -> None:
    """Start the model from the weights of a bundle file or a run folder, all of them or none.

    A bundle holds the large ones rounded to half precision.

    Raises:
        CheckpointError: unreadable, of another preset or version, or without some of the weights.
    """
    stored = _of_run(path, model.config) if path.is_dir() else _of_bundle(path, model.config)
    weights = {}
    for name, mine in model.state_dict().items():
        if name.endswith(NOT_IN_BUNDLES):
            weights[name] = stored.get(name, mine)
            continue
        if name not in stored:
            raise CheckpointError(
                f"{path} lacks the weights '{name}': bundles of before --init-from do; export its "
                "run again, or give the run's folder"
            )
        if stored[name].shape != mine.shape:
            raise CheckpointError(
                f"{path} has '{name}' of shape {tuple(stored[name].shape)}, but the model to train "
                f"has {tuple(mine.shape)}; it was trained with another version of the preset"
            )
        weights[name] = stored[name]
    model.load_state_dict(weights)


def _of_run(path: Path, wanted: ModelConfig) -> dict[str, Tensor]:
    _check_numbers(path, _numbers(load_config(path)), _numbers(wanted))
    instrument, _ = load_instrument(path)
    return instrument.state_dict()


def _of_bundle(path: Path, wanted: ModelConfig) -> dict[str, Tensor]:
    numbers = _numbers(wanted)
    try:
        bundle = read_bundle(path)
        _check_numbers(path, {name: getattr(bundle.manifest, name) for name in numbers}, numbers)
        stored = named_weights(bundle.encoder_onnx) | named_weights(bundle.decoder_onnx)
    except BundleError as error:
        raise CheckpointError(str(error)) from error
    except GraphError as error:
        raise CheckpointError(f"bundle '{path}': {error}; export its run again") from error
    return {name: torch.tensor(value) for name, value in stored.items()}


def _numbers(config: ModelConfig) -> Numbers:
    """What the meaning of the weights hangs on, by the names of a bundle's manifest."""
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


def _check_numbers(path: Path, found: Numbers, wanted: Numbers) -> None:
    for name, value in wanted.items():
        if found[name] != value:
            raise CheckpointError(
                f"{path} has {name} {found[name]!r}, but the model to train has {value!r}; give "
                "one of the same preset and version"
            )
