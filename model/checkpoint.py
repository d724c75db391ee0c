"""A run on disk: configuration, weights and progress as safetensors and JSON, never pickle.

    RUN/config.json               the model's configuration
    RUN/autoencoder.safetensors   stage 1: encoder and decoder
    RUN/vocoder.safetensors       stage 2
    RUN/style_space.safetensors   mean and covariance of the training music's styles
    RUN/<part>.json               steps, seconds, losses: what the weights have seen
    RUN/<part>.resume.safetensors optimiser and random state, to go on exactly

Every file is written beside its place and moved there, so a run that dies while writing keeps
its last good checkpoint.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from model.config import ConfigError, ModelConfig
from model.instrument import Instrument

PARTS = {"autoencoder": ("encoder", "decoder"), "vocoder": ("vocoder",)}


class CheckpointError(ValueError):
    """A run folder that cannot be read, or belongs to another model."""


def save_config(run: Path, config: ModelConfig) -> None:
    """Start a run, or check that the one there is of the same model.

    Raises:
        CheckpointError: the folder holds a run of another configuration.
    """
    run.mkdir(parents=True, exist_ok=True)
    if not (run / "config.json").exists():
        _write_json(run / "config.json", config.to_dict())
    elif load_config(run) != config:
        raise CheckpointError(
            f"{run} holds a run of preset '{load_config(run).preset}', or of another version of "
            f"'{config.preset}'; give another --out, or that preset"
        )


def load_config(run: Path) -> ModelConfig:
    """The configuration of a run.

    Raises:
        CheckpointError: no run there, or an unreadable one.
    """
    try:
        return ModelConfig.from_dict(json.loads((run / "config.json").read_text()))
    except FileNotFoundError:
        raise CheckpointError(
            f"no checkpoint in {run}; train one with python -m training.fit"
        ) from None
    except (OSError, json.JSONDecodeError, ConfigError, AttributeError) as error:
        raise CheckpointError(f"{run}/config.json is unreadable: {error}") from error


def save_part(run: Path, part: str, model: Instrument, progress: dict[str, Any]) -> None:
    """Store the weights of one stage and what they have seen."""
    weights = {
        f"{module}.{name}": value.detach().cpu().contiguous()
        for module in PARTS[part]
        for name, value in getattr(model, module).state_dict().items()
    }
    _write_tensors(run / f"{part}.safetensors", weights)
    _write_json(run / f"{part}.json", progress)


def load_part(run: Path, part: str, model: Instrument) -> dict[str, Any]:
    """Read one stage's weights into the model; returns its progress.

    Raises:
        CheckpointError: missing, unreadable, or of another preset.
    """
    weights = _read_tensors(run / f"{part}.safetensors")
    for module in PARTS[part]:
        mine = {
            name.removeprefix(f"{module}."): value
            for name, value in weights.items()
            if name.startswith(f"{module}.")
        }
        try:
            getattr(model, module).load_state_dict(mine)
        except RuntimeError as error:
            first = str(error).splitlines()[-1].strip()
            raise CheckpointError(
                f"{run}/{part}.safetensors is no {part} of preset '{model.config.preset}': {first}"
            ) from error
    try:
        progress: dict[str, Any] = json.loads((run / f"{part}.json").read_text())
    except (OSError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{run}/{part}.json is unreadable: {error}") from error
    return progress


def has_part(run: Path, part: str) -> bool:
    """Whether a stage has left weights in this run."""
    return (run / f"{part}.safetensors").exists()


def load_instrument(run: Path) -> tuple[Instrument, dict[str, dict[str, Any]]]:
    """A trained model in evaluation mode and the progress of each stage.

    Raises:
        CheckpointError: a stage is missing or unreadable.
    """
    model = Instrument(load_config(run))
    for part in PARTS:
        if not has_part(run, part):
            stage = list(PARTS).index(part) + 1
            raise CheckpointError(
                f"{run} has no {part} yet; run python -m training.fit --stage {stage} --out {run}"
            )
    progress = {part: load_part(run, part, model) for part in PARTS}
    return model.eval(), progress


def save_resume(run: Path, part: str, optimiser: torch.optim.Optimizer) -> None:
    """Store what going on needs beyond the weights: optimiser moments and random state."""
    tensors = {"random": torch.get_rng_state()}
    for index, moments in optimiser.state_dict()["state"].items():
        for name, value in moments.items():
            tensors[f"{index}.{name}"] = torch.as_tensor(value).detach().cpu().contiguous()
    _write_tensors(run / f"{part}.resume.safetensors", tensors)


def load_resume(run: Path, part: str, optimiser: torch.optim.Optimizer) -> None:
    """Inverse of ``save_resume``.

    Raises:
        CheckpointError: missing or unreadable.
    """
    tensors = _read_tensors(run / f"{part}.resume.safetensors")
    torch.set_rng_state(tensors.pop("random"))
    stored = optimiser.state_dict()
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    stored["state"] = state
    optimiser.load_state_dict(stored)


def save_style_space(run: Path, space: dict[str, Tensor]) -> None:
    """Store where the styles of the training music lie: mean (D,), covariance (D, D)."""
    _write_tensors(run / "style_space.safetensors", space)


def load_style_space(run: Path) -> dict[str, Tensor]:
    """Inverse of ``save_style_space``.

    Raises:
        CheckpointError: missing or unreadable.
    """
    return _read_tensors(run / "style_space.safetensors")


def _read_tensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing; train that stage first") from None
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} is damaged: {error}") from error


def _write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    beside = path.with_suffix(".part")
    save_file(tensors, beside)
    os.replace(beside, path)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(value, indent=2))
    os.replace(beside, path)
