"""Renderings of one piece must have the same length: otherwise they are no pair."""

from __future__ import annotations

from collections.abc import Iterable

from training.store.index import StoredRecording

_TOLERANCE_S = 0.1
"""Renderings made at several sample rates differ by less, those in another tempo by more."""


class RenderingLengths:
    """The length of the first rendering of each piece, which the others must match."""

    def __init__(self, sample_rate_hz: int, recordings: Iterable[StoredRecording]) -> None:
        self._sample_rate_hz = sample_rate_hz
        self._first: dict[str, tuple[str, int]] = {}
        for recording in recordings:
            self.mismatch(recording, recording.length)

    def mismatch(self, recording: StoredRecording, samples: int) -> str | None:
        """Say why a recording of ``samples`` does not pair with others of its piece; None if it
        does."""
        if recording.score is None:
            return None
        name, length = self._first.setdefault(recording.score, (recording.name, samples))
        if abs(samples - length) <= _TOLERANCE_S * self._sample_rate_hz:
            return None
        seconds, first_s = samples / self._sample_rate_hz, length / self._sample_rate_hz
        return (
            f"lasts {seconds:.2f} s, but {name} of the same piece {first_s:.2f} s: they do not "
            "play the same notes at the same time; render both into an empty folder"
        )
