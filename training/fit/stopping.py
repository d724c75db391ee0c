"""Ctrl-C and SIGTERM: the step under way is finished and saved, then training ends."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Self

import torch
from lightning.fabric import Fabric

from training.fit.budget import AGREE_EVERY_STEPS
from training.support.processes import SharedError, process_index

STOPPED_BY = (signal.SIGINT, signal.SIGTERM)


class StoppedError(SharedError):
    """A signal ended training; the last step is saved."""

    def __init__(self, step: int, signal_number: int) -> None:
        super().__init__(f"stopped at step {step}, which is saved; go on with --resume")
        self.signal_number = signal_number

    @property
    def exit_code(self) -> int:
        """130 for Ctrl-C, 143 for SIGTERM, as shells count; the first process's is the run's.

        For the other processes 0: at any other code Lightning kills the first one, which may still
        be saving.
        """
        return 0 if process_index() else 128 + self.signal_number


class Stopping:
    """Context in which a signal to any process ends all of them after the same step.

    The first signal restores the previous handlers, so a second one ends at once. Ignored signals
    stay ignored: a script starts its background jobs with Ctrl-C ignored.
    """

    def __init__(self, fabric: Fabric) -> None:
        self._fabric = fabric
        self._received = self._agreed = 0
        self._previous_handlers = {
            number: handler
            for number in STOPPED_BY
            if (handler := signal.getsignal(number)) != signal.SIG_IGN
        }

    def __enter__(self) -> Self:
        for number in self._previous_handlers:
            signal.signal(number, self._receive)
        return self

    def __exit__(self, *error: object) -> None:
        self._restore_handlers()

    def due(self, step: int) -> bool:
        """True if this step is the last; every process calls this at every step."""
        if self._fabric.world_size == 1 or step % AGREE_EVERY_STEPS == 0:
            self._agree()
        return self._agreed > 0

    def end(self, step: int) -> None:
        """End the stage, once its checkpoint is saved; every process calls this.

        Raises:
            StoppedError: a signal came, even during the last checkpoint.
        """
        self._agree()
        if self._agreed:
            raise StoppedError(step, self._agreed)

    def _agree(self) -> None:
        if self._fabric.world_size == 1:
            # On a GPU, the reduction below would wait for every step to end.
            self._agreed = self._received
            return
        received = torch.tensor(self._received, device=self._fabric.device)
        latest = self._fabric.all_reduce(received, reduce_op="max")
        assert isinstance(latest, torch.Tensor)
        self._agreed = int(latest)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self._received = number
        self._restore_handlers()

    def _restore_handlers(self) -> None:
        for number, handler in self._previous_handlers.items():
            signal.signal(number, handler)
