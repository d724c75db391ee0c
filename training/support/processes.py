"""Several processes that train as one.

The items of a step's batch are divided among them, in order. Everything that belongs to an item
(its clip, its random numbers, the state it carries to the next step) is the same in whichever
process it is; every mean over items is a mean over the items of all processes. So two processes
learn what one would.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from lightning.fabric import Fabric
from lightning.fabric.plugins.precision import Precision
from lightning.fabric.strategies.ddp import DDPStrategy
from lightning.fabric.utilities.exceptions import MisconfigurationException
from torch import Tensor, distributed, nn
from torch.distributed.nn.functional import all_reduce

Result = TypeVar("Result")


class ProcessError(RuntimeError):
    """The processes cannot be started, or another one failed."""


class SharedError(ValueError):
    """An error that every process raises at the same time."""


class SaidAlreadyError(ProcessError):
    """The first process failed and reports the error; this one need not."""


def start_processes(devices: int, nodes: int, strategy: str, precision: Precision) -> Fabric:
    """Start the processes, each of which runs from here on, and return Fabric.

    Under ``torchrun`` they exist already; otherwise Fabric starts those of this machine.

    Raises:
        ProcessError: this machine has fewer devices, or the other processes did not start.
    """
    # Buffers are constants (Fourier matrices) or statistics that are shared already.
    several = DDPStrategy(broadcast_buffers=False)
    alone = devices * nodes == 1 and strategy == "auto"
    try:
        fabric = Fabric(
            devices=devices,
            num_nodes=nodes,
            strategy="auto" if alone else several,
            plugins=precision,
        )
    except MisconfigurationException as error:
        raise ProcessError(f"{devices} devices: {str(error).strip().splitlines()[0]}") from error
    with others_may_end():
        fabric.launch()
    if not fabric.is_global_zero:
        logging.getLogger().setLevel(logging.ERROR)
    return fabric


@contextmanager
def others_may_end() -> Iterator[None]:
    """Turn torch's error about a lost process into one line.

    Raises:
        ProcessError: another process ended.
    """
    try:
        yield
    except RuntimeError as error:
        lost = isinstance(error, distributed.DistError) or "gloo" in str(error)
        if process_count() == 1 or not lost:
            raise
        raise ProcessError("another process ended; go on with --resume") from error


def complain(program: str, error: Exception) -> None:
    """Print one line about the error that ended this process, unless the first prints it too."""
    if process_index() == 0:
        print(f"{program}: {error}", file=sys.stderr)
    elif not isinstance(error, SaidAlreadyError | SharedError):
        print(f"{program}: process {process_index()}: {error}", file=sys.stderr)


def process_count() -> int:
    """Number of processes that train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def process_index() -> int:
    """Number of this process, from 0."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def own_items(items: Tensor) -> Tensor:
    """This process's rows of a batch (B, ...)."""
    return items[part_of(len(items), process_index(), process_count())]


def part_of(items: int, index: int, count: int) -> slice:
    """The items that belong to process ``index`` of ``count``.

    >>> part_of(6, 1, 2)
    slice(3, 6, None)
    """
    own = items // count
    return slice(index * own, (index + 1) * own)


def draw_for_items(draw: Callable[[int], Tensor], items: int) -> Tensor:
    """Draw random (n, ...) by ``draw(n)`` for the items of all processes; return this one's."""
    return own_items(draw(items * process_count()))


def mean_over_processes(value: Tensor) -> Tensor:
    """Mean of a tensor over all processes, without gradient."""
    value = value.detach()
    if process_count() > 1:
        value = value.clone()
        distributed.all_reduce(value)
        value /= process_count()
    return value


def all_items(fabric: Fabric, own: Tensor) -> Tensor:
    """Gather the rows of all processes, the inverse of ``own_items``; every process calls this."""
    if fabric.world_size == 1:
        return own
    gathered = fabric.all_gather(own.contiguous())
    assert isinstance(gathered, Tensor)
    return gathered.flatten(0, 1)


def on_rank_zero(fabric: Fabric, action: Callable[[], None]) -> None:
    """Run ``action`` in the first process alone; the others wait for it.

    Raises:
        SaidAlreadyError: in the others, if it failed in the first.
    """
    failed = True
    try:
        if fabric.is_global_zero:
            action()
        failed = False
    finally:
        # Even after an error, or the others would never stop waiting.
        if fabric.world_size > 1:
            failed = fabric.broadcast(failed)
    if failed:
        raise SaidAlreadyError("the first process failed")


def rank_by_rank(fabric: Fabric, action: Callable[[], Result]) -> Result:
    """Run ``action`` in the first process and, if it succeeds, in the others: they fail alike.

    Raises:
        SaidAlreadyError: in the others, if it failed in the first.
    """
    done: list[Result] = []
    on_rank_zero(fabric, lambda: done.append(action()))
    return done[0] if done else action()


class SharedBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation with the statistics of all processes, on any device.

    torch's own ``SyncBatchNorm`` does this on GPUs only.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, M, N) -> the same shape."""
        if not self.training or process_count() == 1:
            return super().forward(x)
        exact = x.float()
        mean = _mean_with_gradient(exact.mean(dim=(0, 2, 3)))
        centred = exact - mean[:, None, None]
        variance = _mean_with_gradient(centred.square().mean(dim=(0, 2, 3)))
        self._update_running(mean.detach(), variance.detach(), x.numel() // x.shape[1])
        scale = torch.rsqrt(variance + self.eps) * self.weight
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)

    @torch.no_grad()
    def _update_running(self, mean: Tensor, variance: Tensor, own_values: int) -> None:
        values = own_values * process_count()
        assert self.running_mean is not None and self.running_var is not None
        assert self.num_batches_tracked is not None and self.momentum is not None
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * values / (values - 1), self.momentum)


def share_statistics(model: nn.Module, device: torch.device) -> None:
    """Make every batch normalisation use the statistics of the whole batch, over all processes."""
    if process_count() == 1:
        return
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.BatchNorm2d:
                setattr(parent, name, _shared(child, device))


def _shared(norm: nn.BatchNorm2d, device: torch.device) -> nn.Module:
    if device.type == "cuda":
        converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(norm)  # type: ignore[no-untyped-call]
        return converted
    shared = SharedBatchNorm2d(norm.num_features, norm.eps, norm.momentum).to(device)
    shared.load_state_dict(norm.state_dict())
    return shared


def _mean_with_gradient(value: Tensor) -> Tensor:
    mean: Tensor = all_reduce(value) / process_count()  # type: ignore[no-untyped-call]
    return mean
