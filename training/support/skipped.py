"""Files that a command skips: each is named on standard error, and all are counted by reason."""

from __future__ import annotations

import sys
from collections import Counter


class Skipped:
    """Number of skipped files for each reason."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, reason: str, line: str) -> None:
        """Count a file and print ``line`` above any progress bar."""
        from tqdm import tqdm

        self.counts[reason] += 1
        tqdm.write(line, file=sys.stderr)

    def __str__(self) -> str:
        """Such as ``skipped 3 (1 corrupt, 2 missing)``."""
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(self.counts.items()))
        return f"skipped {self.counts.total()}" + (f" ({reasons})" if reasons else "")
