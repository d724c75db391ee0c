"""The state of a stage as tensors: everything that it needs to go on exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from lightning.fabric import Fabric
from torch import Tensor

from model.checkpoint import CheckpointError, within
from training.objectives.objective import Objective
from training.support.processes import all_items, own_items


def snapshot(
    fabric: Fabric, objective: Objective, optimiser: torch.optim.Optimizer
) -> dict[str, Tensor]:
    """Weights, carried decoder state, optimiser moments and random state, of all processes."""
    tensors = {f"weights.{name}": value for name, value in objective.state_dict().items()}
    carried = sorted(objective.memory().items())
    tensors |= {f"memory.{name}": all_items(fabric, value) for name, value in carried}
    tensors["random.cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["random.cuda"] = torch.cuda.get_rng_state()
    for index, moments in optimiser.state_dict()["state"].items():
        for name, value in moments.items():
            tensors[f"optimiser.{index}.{name}"] = torch.as_tensor(value)
    return tensors


def restore(
    tensors: Mapping[str, Tensor], objective: Objective, optimiser: torch.optim.Optimizer
) -> None:
    """Restore a ``snapshot``.

    Raises:
        CheckpointError: the tensors are of another model or version of this stage, or were trained
            with another choice of --frozen-encoder.
    """
    device = next(objective.parameters()).device
    memory = within("memory", tensors)
    try:
        moments = _by_parameter(within("optimiser", tensors))
        objective.load_state_dict(within("weights", tensors))
    except (RuntimeError, ValueError, KeyError) as error:
        first = str(error).splitlines()[-1].strip()
        raise CheckpointError(f"the resume file does not fit this version: {first}") from error
    _check_frozen(len(moments), optimiser)
    optimiser.load_state_dict(optimiser.state_dict() | {"state": moments})
    objective.recall({name: own_items(value).to(device) for name, value in memory.items()})
    torch.set_rng_state(tensors["random.cpu"])
    if device.type == "cuda" and "random.cuda" in tensors:
        torch.cuda.set_rng_state(tensors["random.cuda"])


def _by_parameter(tensors: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    moments: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split(".", 1)
        moments.setdefault(int(index), {})[name] = value
    return moments


def _check_frozen(left: int, optimiser: torch.optim.Optimizer) -> None:
    """Check that there are moments for every parameter: they are matched by number.

    With the same weights, only --frozen-encoder changes the number.
    """
    trained = sum(len(group["params"]) for group in optimiser.param_groups)
    if left < trained:
        raise CheckpointError(
            f"the run was trained with --frozen-encoder ({left} weights of {trained}); give it "
            "again to go on"
        )
    if left > trained:
        raise CheckpointError(
            f"the run was trained without --frozen-encoder ({left} weights, not {trained}); leave "
            "it out to go on"
        )


@contextmanager
def random_undisturbed() -> Iterator[None]:
    """Restore the random state after the block."""
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices):
        yield
