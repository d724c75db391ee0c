"""The summary of a run of ``training.prepare``: files prepared, present and skipped."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from training.datasets.listing import LeftOut
from training.support.skipped import Skipped

_NAMED_PER_REASON = 100
"""More files than that are a part of the data set that was never unpacked; they are counted."""


class Tally:
    """Number of files ``prepared``, ``present`` in the store already, and ``skipped``."""

    def __init__(self) -> None:
        self.prepared = 0
        self.present = 0
        self.skipped = Skipped()

    def __str__(self) -> str:
        present = f", already there {self.present}" if self.present else ""
        return f"prepared {self.prepared}{present}, {self.skipped}"

    def skip(self, left_out: LeftOut) -> None:
        """Count a file and name it on standard error."""
        line = f"skipped {left_out.name} ({left_out.reason}): {left_out.why}"
        self.skipped.add(left_out.reason, line)

    def skip_listed(self, left_out: Iterable[LeftOut]) -> None:
        """Skip what the loaders left out; beyond the first of each reason, files are counted."""
        counts = self.skipped.counts
        for each in left_out:
            if counts[each.reason] < _NAMED_PER_REASON:
                self.skip(each)
            else:
                counts[each.reason] += 1
        for reason, count in counts.items():
            if count > _NAMED_PER_REASON:
                print(f"skipped {count - _NAMED_PER_REASON} more ({reason})", file=sys.stderr)
