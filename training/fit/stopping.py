"""Ctrl-C and SIGTERM: the step under way is finished and kept, and then training ends."""

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
    """A signal ended training; what was trained is kept."""

    def __init__(self, step: int, signal_number: int) -> None:
        super().__init__(f"stopped at step {step}, which is kept; go on with --resume")
        self.signal_number = signal_number

    @property
    def exit_code(self) -> int:
        """As shells count: 130 for Ctrl-C, 143 for SIGTERM; the first process's is the run's.

        Of the others 0: at any other Lightning kills the first one, which may still be ending.
        """
        return 0 if process_index() else 128 + self.signal_number


class Stopping:
    """Within it a signal to any process ends all of them after the same step.

    Once one came, the handlers of before are back: a second signal ends at once. What was ignored
    stays so: a script starts what it sends to the background deaf to Ctrl-C.
    """

    def __init__(self, fabric: Fabric) -> None:
        self._fabric = fabric
        self._came = self._agreed = 0
        self._before = {
            number: handler
            for number in STOPPED_BY
            if (handler := signal.getsignal(number)) != signal.SIG_IGN
        }

    def __enter__(self) -> Self:
        for number in self._before:
            signal.signal(number, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        self._put_back()

    def due(self, step: int) -> bool:
        """Whether this step is the last; every process asks at every step."""
        if self._fabric.world_size == 1 or step % AGREE_EVERY_STEPS == 0:
            self._agree()
        return self._agreed > 0

    def end(self, step: int) -> None:
        """Once all is kept; every process at the end of a stage.

        Raises:
            StoppedError: a signal came, be it in the meantime.
        """
        self._agree()
        if self._agreed:
            raise StoppedError(step, self._agreed)

    def _agree(self) -> None:
        if self._fabric.world_size == 1:
            # Nobody to ask; on a GPU the answer below would wait for every step to end.
            self._agreed = self._came
            return
        came = torch.tensor(self._came, device=self._fabric.device)
        latest = self._fabric.all_reduce(came, reduce_op="max")
        assert isinstance(latest, torch.Tensor)
        self._agreed = int(latest)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._came = number
        self._put_back()

    def _put_back(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
