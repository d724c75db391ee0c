"""The log of a run: TensorBoard scalars, spectrogram pictures, a line for the progress bar."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor
from torch.utils.tensorboard import summary

from training.support.event_file import EventFile
from training.support.processes import SharedError, mean_over_processes

Item = TypeVar("Item")

SMOOTHING = 0.02
"""Weight of the newest step in the running means: they reach back about 50 steps."""

WRITE_EVERY_STEPS = 20


class NotFiniteError(SharedError):
    """A loss or a gradient became NaN or infinite."""


class RunLog:
    """Running means of loss terms, kept on the device and fetched every few steps.

    All processes fetch together; the one with ``shown`` writes. Fetching makes a GPU wait, so it is
    done rarely there; a step that went wrong is marked on the device and reported with the next
    fetch.
    """

    def __init__(
        self,
        run: Path,
        part: str,
        first_step: int = 0,
        smooth: dict[str, float] | None = None,
        shown: bool = True,
    ) -> None:
        self.run = run
        self.part = part
        self._events = EventFile(run / "tensorboard" / part, first_step + 1) if shown else None
        self.smooth = dict(smooth or {})
        self._running: dict[str, Tensor] = {}
        self._first_bad_step: Tensor | None = None

    def terms(self, terms: dict[str, Tensor], step: int) -> None:
        """Add one step's loss terms.

        Raises:
            NotFiniteError: one of them, or of those since the last fetch, is not finite.
        """
        bad = torch.zeros((), dtype=torch.bool, device=next(iter(terms.values())).device)
        for name, term in terms.items():
            value = term.detach().float()
            self._running[name] = torch.lerp(self._previous(name, value), value, SMOOTHING)
            bad |= ~torch.isfinite(value)
        if self._first_bad_step is None:
            self._first_bad_step = torch.zeros_like(bad, dtype=torch.int64)
        first_time = bad & (self._first_bad_step == 0)
        self._first_bad_step = torch.where(first_time, step, self._first_bad_step)
        if step % WRITE_EVERY_STEPS == 0 or bad.device.type == "cpu":
            self.fetch()
        if step % WRITE_EVERY_STEPS == 0:
            for name, mean in self.smooth.items():
                self.scalar(f"{self.part}/{name}", mean, step)

    def _previous(self, name: str, value: Tensor) -> Tensor:
        """The running mean so far: at first the last session's, or else the first value."""
        if name in self._running:
            return self._running[name]
        return value.new_tensor(self.smooth[name]) if name in self.smooth else value

    def fetch(self) -> dict[str, float]:
        """Read the running means from the device.

        Raises:
            NotFiniteError: a step since the last fetch was not finite.
        """
        if self._first_bad_step is not None:
            bad = self._first_bad_step.float()
            figures = mean_over_processes(torch.stack([*self._running.values(), bad]))
            *values, bad_step = figures.tolist()
            if bad_step:
                raise NotFiniteError(
                    f"the loss is not finite at step {bad_step:.0f}; {self.run} keeps the last "
                    "good checkpoint: go on from it with --resume and a lower --learning-rate"
                )
            self.smooth = dict(zip(self._running, values, strict=True))
        return self.smooth

    def line(self) -> str:
        """The running means in a few characters each."""
        return " ".join(f"{name} {value:.4f}" for name, value in self.smooth.items())

    def scalar(self, name: str, value: float | Tensor, step: int) -> None:
        """Write one figure for TensorBoard."""
        if self._events is not None:
            self._events.add(summary.scalar(name, value), step)

    def picture(self, name: str, rows: list[Tensor], step: int) -> None:
        """Write log-mel images (M, N) of values -1..1 below each other, low frequencies down."""
        if self._events is not None:
            stacked = torch.cat([row.flip(0) for row in rows]).float().cpu()
            shades = ((stacked + 1) / 2).clamp(0, 1)
            self._events.add(summary.image(name, shades, dataformats="HW"), step)


class DataWait:
    """Measures the share of time in which the loop waits for the next batch."""

    def __init__(self) -> None:
        self.waited_s = 0.0
        self.started: float | None = None

    def watch(self, batches: Iterable[Item]) -> Iterator[Item]:
        """Pass batches on; the first one, for which workers start, does not count."""
        rest = iter(batches)
        for first in rest:
            self.started = time.monotonic()
            yield first
            break
        while True:
            before_s = time.monotonic()
            batch = next(rest, None)
            self.waited_s += time.monotonic() - before_s
            if batch is None:
                return
            yield batch

    def share(self) -> float:
        """Share of time since the first batch, 0 to 1."""
        if self.started is None:
            return 0.0
        return self.waited_s / max(time.monotonic() - self.started, 1e-9)
