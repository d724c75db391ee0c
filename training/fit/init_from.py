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
from export.bundle_weights import (
    Numbers,
    check_numbers,
    load_every_weight,
    numbers_in,
    numbers_of,
    weights_of,
)
from export.graphs.weights import named_weights
from model.checkpoint import CheckpointError, has_part, load_config, load_instrument, load_part
from model.config import ModelConfig, preset
from model.instrument import Instrument
from model.prior import Prior, encoder_digest
from training.fit.weights_file import SUFFIX, read_weights
from training.fit.widening import WIDENED_FROM, widened

logger = logging.getLogger(__name__)

PRIOR = "prior"
"""The part of a run, and the prefix of its names there and in ``prior.onnx``."""


def load_initial_weights(path: Path, model: Instrument) -> None:
    """Load all weights of the model from a bundle, a run folder or a file of weights.

    A bundle holds large ones in half precision, a file of weights all.

    Raises:
        CheckpointError: unreadable, of another preset or version, or some weights are missing; the
            model is as it was.
    """
    load_every_weight(path, _read(path, model.config), model)


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
    origin = _origin(path, numbers_of(load_config(path)), wanted)
    instrument, _ = load_instrument(path)
    return _grown(instrument.state_dict(), origin, wanted)


def _read(path: Path, wanted: ModelConfig) -> dict[str, Tensor]:
    if path.is_dir():
        return _of_run(path, wanted)
    if path.suffix == SUFFIX:
        weights, config = read_weights(path)
        return _grown(weights, _origin(path, numbers_of(config), wanted), wanted)
    return _of_bundle(path, wanted)


def _of_bundle(path: Path, wanted: ModelConfig) -> dict[str, Tensor]:
    try:
        bundle = read_bundle(path)
    except BundleError as error:
        raise CheckpointError(str(error)) from error
    origin = _origin(path, numbers_in(bundle, numbers_of(wanted)), wanted)
    return _grown(weights_of(path, bundle), origin, wanted)


def _origin(path: Path, found: Numbers, wanted: ModelConfig) -> ModelConfig:
    """The configuration of the weights in ``path``: the wanted one, or a narrower one to widen.

    Raises:
        CheckpointError: it is neither.
    """
    narrow = WIDENED_FROM.get(wanted.preset)
    origin = preset(narrow) if narrow and narrow == found["preset"] else wanted
    check_numbers(path, found, numbers_of(origin))
    return origin


def _grown(
    weights: dict[str, Tensor], origin: ModelConfig, wanted: ModelConfig
) -> dict[str, Tensor]:
    return weights if origin is wanted else widened(weights, origin, wanted)
