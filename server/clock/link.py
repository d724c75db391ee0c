"""Ableton Link, through the binding LinkPython-extern, which is loaded only when it is chosen.

Link is free under the GNU GPL, version 2 or later; so is a program that runs with it. That is why
it is an extra and nothing here needs it.
"""

from __future__ import annotations

import time
from typing import Any

from server.clock.tempo_line import TempoLine

QUANTUM = 4.0
"""Beats of a bar: peers agree on the place within it."""

_LOOKS = 5
_LOOK_S = 0.0002
"""Two clocks are read one behind the other; if more passes between, once more."""

REMEDY = "Ableton Link is not installed; run it as 'uv run --extra link python -m server ...'"


class LinkUnavailable(RuntimeError):
    """The binding is not installed, or does not load."""


class LinkClock:
    """A peer of the Link session on this network, from now until ``close``.

    Raises:
        LinkUnavailable: there is no Link here.
    """

    def __init__(self, tempo_bpm: float) -> None:
        self._link: Any = _load().Link(tempo_bpm)
        self._link.startStopSyncEnabled = True
        self._link.enabled = True

    @property
    def peers(self) -> int:
        """How many others there are."""
        return int(self._link.numPeers())

    @property
    def line(self) -> TempoLine:
        """Tempo and beat of the session; what counts bars is the beat's place in ``QUANTUM``."""
        for _ in range(_LOOKS):
            state = self._link.captureAppSessionState()
            before_s, micros, after_s = time.time(), self._link.clock().micros(), time.time()
            if after_s - before_s < _LOOK_S:
                break
        beat = state.beatAtTime(micros, QUANTUM)
        return TempoLine(float(state.tempo()), float(beat), (before_s + after_s) / 2)

    @property
    def is_playing(self) -> bool:
        """Whether somebody has started the session."""
        return bool(self._link.captureAppSessionState().isPlaying())

    def set_tempo(self, tempo_bpm: float) -> None:
        """A new tempo for the session: for all peers, as Link has it."""
        state = self._link.captureAppSessionState()
        state.setTempo(tempo_bpm, self._link.clock().micros())
        self._link.commitAppSessionState(state)

    def set_playing(self, is_playing: bool) -> None:
        """Start or stop the session: for all peers who share that."""
        state = self._link.captureAppSessionState()
        state.setIsPlaying(is_playing, self._link.clock().micros())
        self._link.commitAppSessionState(state)

    def close(self) -> None:
        """Leave the session."""
        self._link.enabled = False


def link_unavailable_reason() -> str | None:
    """In one line why there is no Link; None if there is."""
    try:
        _load()
    except LinkUnavailable as error:
        return str(error)
    return None


def _load() -> Any:
    try:
        import link
    except ImportError as error:
        raise LinkUnavailable(REMEDY) from error
    if not hasattr(link, "Link"):  # a module of the same name
        raise LinkUnavailable(f"{REMEDY} (there is another module called link)")
    return link
