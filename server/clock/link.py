"""Ableton Link, through the binding LinkPython-extern, which is only imported when Link is chosen.

Link is free software under the GNU GPL, version 2 or later; so is a program that runs with it. That
is why it is an optional extra.
"""

from __future__ import annotations

import time
from typing import Any

from server.clock.tempo_line import TempoLine

QUANTUM = 4.0
"""Beats per bar: peers agree on the phase within it."""

_READ_TRIES = 5
_READ_S = 0.0002
"""Two clocks are read one after the other; if more time passes in between, they are read again."""

REMEDY = "Ableton Link is not installed; run it as 'uv run --extra link python -m server ...'"


class LinkUnavailable(RuntimeError):
    """The binding is not installed, or cannot be loaded."""


class LinkClock:
    """A peer of the Link session on this network, from now until ``close``.

    Raises:
        LinkUnavailable: Link is not installed.
    """

    def __init__(self, tempo_bpm: float) -> None:
        self._link: Any = _load().Link(tempo_bpm)
        self._link.startStopSyncEnabled = True
        self._link.enabled = True

    @property
    def peers(self) -> int:
        """The number of other peers."""
        return int(self._link.numPeers())

    @property
    def line(self) -> TempoLine:
        """Tempo and beat of the session; the beat modulo ``QUANTUM`` is the place in the bar."""
        for _ in range(_READ_TRIES):
            state = self._link.captureAppSessionState()
            before_s, micros, after_s = time.time(), self._link.clock().micros(), time.time()
            if after_s - before_s < _READ_S:
                break
        beat = state.beatAtTime(micros, QUANTUM)
        return TempoLine(float(state.tempo()), float(beat), (before_s + after_s) / 2)

    @property
    def is_playing(self) -> bool:
        """True if a peer has started the session."""
        return bool(self._link.captureAppSessionState().isPlaying())

    def set_tempo(self, tempo_bpm: float) -> None:
        """Set the session's tempo, for all peers."""
        state = self._link.captureAppSessionState()
        state.setTempo(tempo_bpm, self._link.clock().micros())
        self._link.commitAppSessionState(state)

    def set_playing(self, is_playing: bool) -> None:
        """Start or stop the session, for all peers with start/stop sync."""
        state = self._link.captureAppSessionState()
        state.setIsPlaying(is_playing, self._link.clock().micros())
        self._link.commitAppSessionState(state)

    def close(self) -> None:
        """Leave the session."""
        self._link.enabled = False


def link_unavailable_reason() -> str | None:
    """Return why there is no Link, in one line; None if there is."""
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
    if not hasattr(link, "Link"):  # another module of the same name
        raise LinkUnavailable(f"{REMEDY} (another module is called link)")
    return link
