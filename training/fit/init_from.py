"""Initial weights for a run, from a bundle, another run or a file of weights.

Preset ``full`` may also begin with weights of ``small`` (``training.fit.widening``).

A prior is taken over if there is one. It fits the encoder that it was trained with: while that
stays frozen, the prior can be played; after the encoder has changed, stage 4 begins with it.
"""

from __future__ import annotations

import logging
from pathlib import Path

import torch
from torch import Tensor

from export.bundle.archive import read_bundle
from export.bundle.format import BundleError
from export.graphs.weights import GraphError, named_weights
from model.checkpoint import CheckpointError, has_part, load_config, load_instrument, load_part
from model.config import ModelConfig, preset
from model.instrument import Instrument
from model.prior import Prior, encoder_digest
from training.fit.weights_file import SUFFIX, read_weights
from training.fit.widening import WIDENED_FROM, widened

logger = logging.getLogger(__name__)

Numbers = dict[str, object]

PRIOR = "prior"
"""The part of a run, and the prefix of its names there and in ``prior.onnx``."""

NOT_IN_BUNDLES = "num_batches_tracked"
"""A counter of batch norms, which only cumulative averages use; it has no effect here."""


def load_initial_weights(path: Path, model: Instrument) -> None:
    """Load all weights of the model from a bundle, a run folder or a file of weights.

    A bundle holds large ones in half precision, a file of weights all.

    Raises:
        CheckpointError: unreadable, of another preset or version, or some weights are missing; the
            model is as it was.
    """
    stored = _read(path, model.config)
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
                f"{path} has '{name}' of shape {tuple(stored[name].shape)}, but the model to train "
                f"has {tuple(untrained.shape)}; it was trained with another version of the preset"
            )
        weights[name] = stored[name]
    model.load_state_dict(weights)


def load_initial_prior(path: Path, model: Instrument) -> Prior | None:
    """Load the prior of the bundle or run that ``model`` was loaded from, if there is one.

    Raises:
        CheckpointError: unreadable.
    """
    if not model.config.has_structure or path.suffix == SUFFIX:
        return None
    prior = Prior(model.config)
    loaded = _load_prior_of_run(path, prior) if path.is_dir() else _load_prior_of(path, prior)
    # A bundle does not hold the digest; its prior fits the encoder that was loaded from it.
    prior.encoder_digest.copy_(encoder_digest(model.encoder))
    return prior if loaded else None


def _load_prior_of_run(run: Path, prior: Prior) -> bool:
    if not has_part(run, PRIOR):
        return False
    load_part(run, PRIOR, {PRIOR: prior})
    return True


def _load_prior_of(bundle: Path, prior: Prior) -> bool:
    graph = read_bundle(bundle).prior_onnx
    if graph is None:
        return False
    stored = named_weights(graph)
    parameters = dict(prior.named_parameters())
    weights = {name: stored.get(f"{PRIOR}.{name}") for name in parameters}
    if any(one is None or one.shape != parameters[name].shape for name, one in weights.items()):
        logger.warning(
            "%s: its prior is of another version and is left out; fit one with --stage 4", bundle
        )
        return False
    with torch.no_grad():
        for name, value in weights.items():
            parameters[name].copy_(torch.tensor(value))
    return True


def _of_run(path: Path, wanted: ModelConfig) -> dict[str, Tensor]:
    origin = _origin(path, _numbers(load_config(path)), wanted)
    instrument, _ = load_instrument(path)
    return _grown(instrument.state_dict(), origin, wanted)


def _read(path: Path, wanted: ModelConfig) -> dict[str, Tensor]:
    if path.is_dir():
        return _of_run(path, wanted)
    if path.suffix == SUFFIX:
        weights, config = read_weights(path)
        return _grown(weights, _origin(path, _numbers(config), wanted), wanted)
    return _of_bundle(path, wanted)


def _of_bundle(path: Path, wanted: ModelConfig) -> dict[str, Tensor]:
    try:
        bundle = read_bundle(path)
        found = {name: getattr(bundle.manifest, name) for name in _numbers(wanted)}
        origin = _origin(path, found, wanted)
        stored = named_weights(bundle.encoder_onnx) | named_weights(bundle.decoder_onnx)
    except BundleError as error:
        raise CheckpointError(str(error)) from error
    except GraphError as error:
        raise CheckpointError(f"bundle '{path}': {error}; export its run again") from error
    return _grown({name: torch.tensor(value) for name, value in stored.items()}, origin, wanted)


def _origin(path: Path, found: Numbers, wanted: ModelConfig) -> ModelConfig:
    """The configuration of the weights in ``path``: the wanted one, or a narrower one to widen.

    Raises:
        CheckpointError: it is neither.
    """
    narrow = WIDENED_FROM.get(wanted.preset)
    origin = preset(narrow) if narrow and narrow == found["preset"] else wanted
    _check_numbers(path, found, _numbers(origin))
    return origin


def _grown(
    weights: dict[str, Tensor], origin: ModelConfig, wanted: ModelConfig
) -> dict[str, Tensor]:
    return weights if origin is wanted else widened(weights, origin, wanted)


def _numbers(config: ModelConfig) -> Numbers:
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


def _check_numbers(path: Path, found: Numbers, wanted: Numbers) -> None:
    for name, value in wanted.items():
        if found[name] != value:
            raise CheckpointError(
                f"{path} has {name} {found[name]!r}, but the model to train has {value!r}; give "
                "one of the same preset and version"
            )
