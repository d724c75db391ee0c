"""What a run tells while it runs: TensorBoard scalars, spectrogram pictures, a progress line."""

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
"""Share of the newest step in the running means: they reach back about 50 steps."""

WRITE_EVERY_STEPS = 20


class NotFiniteError(SharedError):
    """A loss or a gradient became NaN or infinite."""


class RunLog:
    """Running means of loss terms, kept on the device and fetched every few steps.

    Several processes fetch together, and one of them shows.

    Fetching makes a GPU wait, so it is done rarely there; a step that went wrong is noted on the
    device and reported with the next fetch.
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
        """Note one step's loss terms.

        Raises:
            NotFiniteError: one of them, or of those since the last fetch, is no number.
        """
        bad = torch.zeros((), dtype=torch.bool, device=next(iter(terms.values())).device)
        for name, term in terms.items():
            now = term.detach().float()
            self._running[name] = torch.lerp(self._before(name, now), now, SMOOTHING)
            bad |= ~torch.isfinite(now)
        if self._first_bad_step is None:
            self._first_bad_step = torch.zeros_like(bad, dtype=torch.int64)
        first_time = bad & (self._first_bad_step == 0)
        self._first_bad_step = torch.where(first_time, step, self._first_bad_step)
        if step % WRITE_EVERY_STEPS == 0 or bad.device.type == "cpu":
            self.fetch()
        if step % WRITE_EVERY_STEPS == 0:
            for name, value in self.smooth.items():
                self.scalar(f"{self.part}/{name}", value, step)

    def _before(self, name: str, now: Tensor) -> Tensor:
        """The running mean so far, at first the last session's, or else this first value."""
        if name in self._running:
            return self._running[name]
        return now.new_tensor(self.smooth[name]) if name in self.smooth else now

    def fetch(self) -> dict[str, float]:
        """The running means, from the device.

        Raises:
            NotFiniteError: a step since the last fetch was not finite.
        """
        if self._first_bad_step is not None:
            bad = self._first_bad_step.float()
            figures = mean_over_processes(torch.stack([*self._running.values(), bad]))
            *values, bad_step = figures.tolist()
            if bad_step:
                raise NotFiniteError(
                    f"the loss is no finite number at step {bad_step:.0f}; {self.run} keeps the "
                    "last good checkpoint: go on from it with --resume and a lower --learning-rate"
                )
            self.smooth = dict(zip(self._running, values, strict=True))
        return self.smooth

    def line(self) -> str:
        """The smoothed terms in a few characters each."""
        return " ".join(f"{name} {value:.4f}" for name, value in self.smooth.items())

    def scalar(self, name: str, value: float | Tensor, step: int) -> None:
        """One figure for TensorBoard."""
        if self._events is not None:
            self._events.add(summary.scalar(name, value), step)

    def picture(self, name: str, rows: list[Tensor], step: int) -> None:
        """Log-mel images (M, N), values -1..1, below each other, low frequencies at the bottom."""
        if self._events is not None:
            stacked = torch.cat([row.flip(0) for row in rows]).float().cpu()
            shades = ((stacked + 1) / 2).clamp(0, 1)
            self._events.add(summary.image(name, shades, dataformats="HW"), step)


class DataWait:
    """How much of the time the loop stands still because the next batch is not there yet."""

    def __init__(self) -> None:
        self.waited_s = 0.0
        self.started: float | None = None

    def watch(self, batches: Iterable[Item]) -> Iterator[Item]:
        """The same batches; the first one, for which workers start, does not count."""
        rest = iter(batches)
        for first in rest:
            self.started = time.monotonic()
            yield first
            break
        while True:
            asked = time.monotonic()
            batch = next(rest, None)
            self.waited_s += time.monotonic() - asked
            if batch is None:
                return
            yield batch

    def share(self) -> float:
        """0: never, 1: all the time."""
        if self.started is None:
            return 0.0
        return self.waited_s / max(time.monotonic() - self.started, 1e-9)
