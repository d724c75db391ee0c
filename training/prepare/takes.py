"""Renderings of one score: as long as each other to the sample, or they are no pair."""

from __future__ import annotations

from collections.abc import Iterable

from training.store.index import StoredRecording

_SAME_LENGTH_S = 0.1
"""Renderings made at several rates differ by less, those in another tempo by more."""


class RenderingLengths:
    """How long the first rendering of each score is, by which the others are judged."""

    def __init__(self, sample_rate_hz: int, recordings: Iterable[StoredRecording]) -> None:
        self._sample_rate_hz = sample_rate_hz
        self._first: dict[str, tuple[str, int]] = {}
        for recording in recordings:
            self.misfit(recording, recording.length)

    def misfit(self, recording: StoredRecording, samples: int) -> str | None:
        """Why a recording of so many samples is no pair with others of its score, if it is none."""
        if recording.score is None:
            return None
        name, length = self._first.setdefault(recording.score, (recording.name, samples))
        if abs(samples - length) <= _SAME_LENGTH_S * self._sample_rate_hz:
            return None
        seconds, first_s = samples / self._sample_rate_hz, length / self._sample_rate_hz
        return (
            f"lasts {seconds:.2f} s, but {name} of the same score {first_s:.2f} s: they do not "
            "play the same notes at the same time; render both into an empty folder"
        )
