"""A run on disk: configuration, weights and progress as safetensors and JSON, never pickle.

    RUN/config.json               the model's configuration
    RUN/autoencoder.safetensors   stage 1: encoder and decoder, and the statistics of styles
    RUN/vocoder.safetensors       stage 2
    RUN/<part>.safetensors        of further stages
    RUN/<part>.json               steps, seconds, losses, for people; programs read the same
                                  from the header of the weights they belong to
    RUN/<part>.resume.safetensors everything that training needs to go on, weights included

Every file is written under a temporary name and renamed, so a run that dies while writing keeps its
last good checkpoint: each file is of that checkpoint or of the previous one, never half.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from model.config import ModelConfig
from model.encoder import Encoder
from model.instrument import Instrument
from model.prior import encoder_digest
from model.tensor_file import read_tensors

logger = logging.getLogger(__name__)

ADVERSARIAL = "adversarial"

PARTS = {
    "autoencoder": ("encoder", "decoder"),
    "vocoder": ("vocoder",),
    ADVERSARIAL: ("decoder", "vocoder"),
}
"""Modules of the instrument in each part of a run; a later part's weights replace an earlier's."""

NEEDED_TO_PLAY = ("autoencoder", "vocoder")

ENCODER_DIGEST = "encoder_digest"
"""The tensor of a part that identifies the encoder it was trained with."""

Progress = dict[str, Any]
"""Training behind a part's weights: steps, seconds, losses."""


class CheckpointError(ValueError):
    """A run folder that cannot be read, or belongs to another model."""


class WriteError(OSError):
    """A file of a run that cannot be written; the previous one is kept."""


def save_config(run: Path, config: ModelConfig) -> None:
    """Start a run, or check that the run in the folder has the same configuration.

    Raises:
        CheckpointError: it has another.
    """
    run.mkdir(parents=True, exist_ok=True)
    if not (run / "config.json").exists():
        _write({run / "config.json": _json(config.to_dict())})
    elif load_config(run) != config:
        raise CheckpointError(
            f"{run} holds a run of preset '{load_config(run).preset}', or of another version of "
            f"'{config.preset}'; give another --out, or that preset"
        )


def load_config(run: Path) -> ModelConfig:
    """Read the configuration of a run.

    Raises:
        CheckpointError: no run there, or an unreadable one.
    """
    try:
        return ModelConfig.from_dict(json.loads((run / "config.json").read_text()))
    except FileNotFoundError:
        raise CheckpointError(
            f"no checkpoint in {run}; train one with python -m training.fit"
        ) from None
    except (OSError, ValueError, AttributeError) as error:  # of UTF-8, JSON and ConfigError
        raise CheckpointError(f"{run}/config.json is unreadable: {error}") from error


def modules_of(model: Instrument, part: str) -> dict[str, nn.Module]:
    """The instrument's modules in a part of a run, by name."""
    return {name: getattr(model, name) for name in PARTS[part]}


def save_part(
    run: Path,
    part: str,
    modules: Mapping[str, nn.Module],
    progress: Progress,
    measured: Mapping[str, Tensor] | None = None,
    resume: Mapping[str, Tensor] | None = None,
) -> None:
    """Save one checkpoint of a stage: weights, progress, and the state to resume from.

    ``measured`` is saved with the weights, ``resume`` in a separate file. All are written before
    the first is renamed: a full disk leaves the previous checkpoint as it was.

    Raises:
        WriteError: nothing could be written.
    """
    weights = {
        f"{module}.{name}": value
        for module in modules
        for name, value in modules[module].state_dict().items()
    }
    files = {}
    if resume is not None:
        files[_resume_path(run, part)] = _tensors(resume, progress)
    files[_part_path(run, part)] = _tensors({**weights, **(measured or {})}, progress)
    files[run / f"{part}.json"] = _json(progress)
    try:
        _write(files)
    except WriteError as error:
        raise WriteError(
            f"{error}; {_kept(run, part)}: free space there and go on with --resume"
        ) from error


def load_part(run: Path, part: str, modules: Mapping[str, nn.Module]) -> Progress:
    """Load one stage's weights into its modules; return its progress.

    Raises:
        CheckpointError: missing, unreadable, or of another preset.
    """
    weights, progress = _read(_part_path(run, part))
    for name, module in modules.items():
        try:
            module.load_state_dict(within(name, weights))
        except RuntimeError as error:
            first = str(error).splitlines()[-1].strip()
            raise CheckpointError(
                f"{run}/{part}.safetensors does not fit preset '{load_config(run).preset}': {first}"
            ) from error
    return progress


def load_resume(run: Path, part: str) -> tuple[dict[str, Tensor], Progress]:
    """Read the ``resume`` tensors of ``save_part``, and the progress at that moment.

    Raises:
        CheckpointError: missing or unreadable.
    """
    return _read(_resume_path(run, part))


def has_part(run: Path, part: str) -> bool:
    """True if the run holds weights of a part."""
    return _part_path(run, part).exists()


def has_resume(run: Path, part: str) -> bool:
    """True if the run holds a resume file of a part."""
    return _resume_path(run, part).exists()


def is_outdated(run: Path, part: str, encoder: Encoder) -> bool:
    """True if a part was trained with another encoder; False if it does not depend on one.

    Raises:
        CheckpointError: missing or unreadable.
    """
    tensors, _ = _read(_part_path(run, part))
    found = [one for name, one in tensors.items() if name.split(".")[-1] == ENCODER_DIGEST]
    return bool(found) and not torch.equal(found[0], encoder_digest(encoder))


def load_instrument(run: Path) -> tuple[Instrument, dict[str, Progress]]:
    """Load a trained model in evaluation mode, and the progress of each stage.

    Stage 3 belongs to one encoder: if stage 1 has gone on since, it is left out.

    Raises:
        CheckpointError: a stage is missing or unreadable.
    """
    model = Instrument(load_config(run))
    for stage, part in enumerate(NEEDED_TO_PLAY, start=1):
        if not has_part(run, part):
            raise CheckpointError(
                f"{run} has no {part} yet; run python -m training.fit --stage {stage} --out {run}"
            )
    progress = {part: load_part(run, part, modules_of(model, part)) for part in NEEDED_TO_PLAY}
    if has_part(run, ADVERSARIAL):
        if is_outdated(run, ADVERSARIAL, model.encoder):
            logger.warning(
                "stage 3 of %s belongs to an earlier encoder and is left out; train it again with "
                "--stage 3 --resume",
                run,
            )
        else:
            progress[ADVERSARIAL] = load_part(run, ADVERSARIAL, modules_of(model, ADVERSARIAL))
    return model.eval(), progress


def load_style_space(run: Path) -> dict[str, Tensor]:
    """Read the mean (D,) and covariance (D, D) of the styles of the training music.

    Raises:
        CheckpointError: missing or unreadable.
    """
    path = _part_path(run, "autoencoder")
    space = within("style_space", _read(path)[0])
    if not space:
        raise CheckpointError(f"{path} holds no style space; train stage 1 a while longer")
    return space


def within(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors called ``name.<rest>``, by ``<rest>``.

    >>> list(within("a", {"a.b": Tensor(), "ab.c": Tensor()}))
    ['b']
    """
    start = f"{name}."
    return {key[len(start) :]: value for key, value in tensors.items() if key.startswith(start)}


def _part_path(run: Path, part: str) -> Path:
    return run / f"{part}.safetensors"


def _resume_path(run: Path, part: str) -> Path:
    return run / f"{part}.resume.safetensors"


def _kept(run: Path, part: str) -> str:
    if not has_resume(run, part):
        return f"no checkpoint of {part} was there before"
    return f"the checkpoint of step {load_resume(run, part)[1]['steps']} is kept"


def _read(path: Path) -> tuple[dict[str, Tensor], Progress]:
    """Read tensors and progress of one file."""
    try:
        tensors, metadata = read_tensors(path)
        return tensors, json.loads(metadata["progress"])
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing; train that stage first") from None
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} is damaged: {error}") from error
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"{path} holds no progress (steps, seconds): {error}") from error


def _tensors(tensors: Mapping[str, Tensor], progress: Progress) -> bytes:
    on_host = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    return safetensors.torch.save(on_host, {"progress": json.dumps(progress)})


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, indent=2).encode()


def _write(files: Mapping[Path, bytes]) -> None:
    """Write every file under a temporary name, to the disk itself, then rename them in order."""
    # export.bundle.atomic_write does this for one file, but model may not import export.
    temporary = {path: path.with_name(f"{path.name}.part") for path in files}
    try:
        for path, content in files.items():
            with temporary[path].open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for path in files:
            os.replace(temporary[path], path)
    except OSError as error:
        raise WriteError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        for path in temporary.values():
            path.unlink(missing_ok=True)
