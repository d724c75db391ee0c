"""The budget of a stage: its time and steps, and the learning rate and checkpoints they imply."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")

WARM_UP_STEPS = 200
"""Steps over which the learning rate rises from zero."""

DECAY_SHARE = 0.4
"""Share at the end of the budget over which the learning rate falls to a twentieth."""

AGREE_EVERY_STEPS = 10
"""Interval at which processes agree on the time: their clocks differ, their steps must not."""


class Budget:
    """A stage ends after ``minutes`` of training, over all sessions, or after ``steps``.

    ``agree`` gives every process the seconds of the first one; None if there is one process.
    """

    def __init__(
        self,
        minutes: float,
        steps: int,
        checkpoint_minutes: float,
        seconds_before: float = 0.0,
        first_step: int = 0,
        agree: Callable[[float], float] | None = None,
    ) -> None:
        self.minutes = minutes
        self.steps = steps
        self.checkpoint_s = checkpoint_minutes * 60
        self.seconds_before = seconds_before
        self.first_step = self.step = first_step
        self.started = time.monotonic()
        self._agree = agree
        self._elapsed_s = self._saved_s = 0.0
        self._bar: tqdm[object] | None = None
        self._name = ""

    def tick(self, step: int) -> None:
        """Update the elapsed time; every process calls this at every step."""
        self.step = step
        if self._agree is None:
            self._elapsed_s = time.monotonic() - self.started
        elif step % AGREE_EVERY_STEPS == 0 or step == self.steps:
            self._elapsed_s = self._agree(time.monotonic() - self.started)

    def trained_s(self) -> float:
        """Seconds of training so far, including earlier sessions."""
        return self.seconds_before + self._elapsed_s

    def share_done(self) -> float:
        """0 at the start, 1 at the end of the budget."""
        return max(self.step / self.steps, self.trained_s() / (60 * self.minutes))

    def learning_rate_factor(self) -> float:
        """Factor of the peak rate: linear warm-up, then constant, then linear decay."""
        left = (1 - self.share_done()) / DECAY_SHARE
        return min(1.0, self.step / WARM_UP_STEPS) * min(1.0, max(0.05, left))

    def over(self) -> bool:
        """True once the budget is used up."""
        return self.share_done() >= 1

    def left_s(self) -> float:
        """Seconds left: by the clock, or by the steps at their rate so far."""
        by_clock = 60 * self.minutes - self.trained_s()
        done = self.step - self.first_step
        if not done:
            return max(by_clock, 0.0)
        return max(min(by_clock, (self.steps - self.step) * self._elapsed_s / done), 0.0)

    def checkpoint_due(self) -> bool:
        """True once every ``checkpoint_minutes``."""
        if self._elapsed_s - self._saved_s < self.checkpoint_s:
            return False
        self._saved_s = self._elapsed_s
        return True

    def bar(
        self, batches: Iterable[Item], name: str, hidden: bool = False
    ) -> Iterator[tuple[int, Item]]:
        """Number the batches from the first step on, behind a progress bar, until the budget is
        used up."""
        self._name = name
        self._bar = tqdm(total=1.0, desc=name, disable=hidden, bar_format=BAR, dynamic_ncols=True)
        with self._bar:
            for step, batch in enumerate(batches, start=self.first_step + 1):
                self.tick(step)
                yield step, batch
                self.tick(step)
                if self.over():
                    return

    def say(self, line: str) -> None:
        """Move the progress bar, with ``line`` after it."""
        if self._bar is not None:
            rate = (self.step - self.first_step) / self._elapsed_s if self._elapsed_s else 0.0
            share, left = min(self.share_done(), 1.0), tqdm.format_interval(self.left_s())
            self._bar.set_description_str(f"{self._name} {share:.0%}, {left} left ", refresh=False)
            self._bar.set_postfix_str(f"step {self.step}, {rate:.2g}/s, {line}", refresh=False)
            self._bar.update(share - self._bar.n)


BAR = "{desc}|{bar:16}|{postfix}"
