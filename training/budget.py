"""How long a stage trains, how far it is, and what follows: learning rate and checkpoints."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")

WARM_UP_STEPS = 200
"""Steps over which the learning rate rises from zero."""

DECAY_SHARE = 0.4
"""Last share of the budget, over which the learning rate falls to a twentieth."""


class Budget:
    """A stage ends after ``minutes`` of training, all sessions counted, or after ``steps``."""

    def __init__(
        self, minutes: float, steps: int, checkpoint_minutes: float, seconds_before: float
    ) -> None:
        self.minutes = minutes
        self.steps = steps
        self.checkpoint_s = checkpoint_minutes * 60
        self.seconds_before = seconds_before
        self.started = self.saved = time.monotonic()
        self._bar: tqdm[object] | None = None

    def trained_s(self) -> float:
        """Seconds of training so far, those of earlier sessions included."""
        return self.seconds_before + time.monotonic() - self.started

    def share_done(self, step: int) -> float:
        """0 at the start, 1 at the end of the budget."""
        return max(step / self.steps, self.trained_s() / (60 * self.minutes))

    def learning_rate_factor(self, step: int) -> float:
        """Linear warm-up, then constant, then linear decay."""
        left = (1 - self.share_done(step)) / DECAY_SHARE
        return min(1.0, step / WARM_UP_STEPS) * min(1.0, max(0.05, left))

    def over(self, step: int) -> bool:
        """Whether the budget is used up."""
        return self.share_done(step) >= 1

    def checkpoint_due(self) -> bool:
        """True once every ``checkpoint_minutes``."""
        if time.monotonic() - self.saved < self.checkpoint_s:
            return False
        self.saved = time.monotonic()
        return True

    def bar(self, batches: Iterable[Item], name: str, first: int) -> Iterator[tuple[int, Item]]:
        """Number the batches from ``first + 1`` behind a progress bar, until the budget is over."""
        self._bar = tqdm(total=self.steps, initial=first, desc=name, unit="step")
        with self._bar:
            for step, batch in enumerate(batches, start=first + 1):
                yield step, batch
                self._bar.update()
                if self.over(step):
                    return

    def say(self, line: str) -> None:
        """Text behind the progress bar."""
        if self._bar is not None:
            self._bar.set_postfix_str(
                f"{line} | {self.trained_s() / 60:.1f} of {self.minutes:g} min", refresh=False
            )
