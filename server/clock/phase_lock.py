"""The phase lock: keeps the playhead on the beat of an external clock, as it is heard.

    clock (a line)  -- beat of the next frame when it is heard --.
                                                                 (-)-- error --> /nudge
    playhead -------------- beat of the next frame --------------'

Before each block it measures the playhead's distance from the clock and adjusts the speed a little
against it (``/nudge``): enough to make up for it within ``CATCH_UP_S``, and by at most 10 %, as a
DJ would by hand; pitch stays. It jumps (``/beat``) where the song starts or is moved, to the place
that is right at the moment it is heard, and where the playhead starts: to the nearest place on the
beat. Both are ordinary changes of the desk, in their frame, so that a recorded score holds them and
sounds the same again.

Decks are on the beat where they are read in beats (``server.engine.pace``); a deck of unknown tempo
starts with the song and then runs freely.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

from server.clock.tempo_line import Lead
from server.controls.addresses import BEAT, MOST_NUDGE, NUDGE
from server.controls.desk import Snapshot
from server.controls.events import Event, Play, SetControl
from server.controls.sample_clock import SampleClock

CATCH_UP_S = 0.25
"""Time constant with which an error decays; the clock's own line is filtered before."""
NUDGE_DIGITS = 1
"""Of the nudge in per cent: a tenth is an error of a quarter of a millisecond, which may stay."""
NEAR_S = 0.001
"""A smaller error is not worth a jump."""


class LockedPlayhead(Protocol):
    """A playhead, between two blocks."""

    @property
    def led_beat(self) -> float | None:
        """The beat of the next frame; None where decks keep none, or not the clock's."""

    @property
    def late_frames(self) -> float:
        """By how much later than the next frame's start it is heard."""

    @property
    def beats_of_loop(self) -> tuple[float, float] | None:
        """The first deck's place in its loop and the loop's length, in beats."""


Moment = tuple[int, tuple[Event, ...]]
"""A frame, and its events."""


class PhaseLock:
    """Asked before each block, in the engine's thread, which alone moves the playhead."""

    def __init__(self, playhead: Callable[[], LockedPlayhead], clock: SampleClock) -> None:
        self.lead: Lead | None = None
        """The clock that is followed; any thread may replace it."""
        self._playhead = playhead
        self._clock = clock
        self._seeks = 0
        self._is_locked = False
        self.error_s: float | None = None
        """The delay of the heard beat at the last block; None while not locked."""

    def begin(self, seeks: int) -> None:
        """Follow another clock from now on; its earlier ``seeks`` are past."""
        self._seeks = seeks

    def due(self, first: int, end: int, state: Snapshot) -> tuple[Moment, ...]:
        """Return the events in frames ``first`` to before ``end``, which begin in ``state``."""
        lead = self.lead
        if lead is None:
            return self._release(first, state)
        if lead.seeks != self._seeks:
            return self._seek(lead, first, end, state)
        if not _runs(state) or self._playhead().led_beat is None:
            return self._release(first, state)
        if not self._is_locked:
            return self._join(lead, first, state)
        return self._keep(lead, first, end, state)

    def _seek(self, lead: Lead, first: int, end: int, state: Snapshot) -> tuple[Moment, ...]:
        """The song starts or was moved: jump there, in the frame in which it starts."""
        if not (lead.is_running or state.playing):
            self._seeks = lead.seeks
            return ()
        begins_s = lead.line.at_s + (lead.from_beat - lead.line.beat) * 60 / lead.line.tempo_bpm
        frame = max(first, math.ceil((begins_s - self._clock.time_of(0)) / self._clock.frame_s))
        if frame >= end:
            return ()
        self._seeks = lead.seeks
        plays = () if state.playing else (Play(),)
        return ((frame, (*self._jump(self._beat(lead, frame)), *plays)),)

    def _join(self, lead: Lead, first: int, state: Snapshot) -> tuple[Moment, ...]:
        """Jump to the nearest place at the same part of a bar, or of a beat."""
        place = self._playhead().beats_of_loop
        if place is None:
            return ()
        inside, length = place
        is_bars = abs(_wrapped(length, lead.bar_beats)) < 1e-6
        unit = lead.bar_beats if is_bars else 1.0
        offset = _wrapped(self._beat(lead, first) - inside, unit)
        self._is_locked = True
        if abs(offset) * 60 / lead.line.tempo_bpm < NEAR_S:
            return ()
        beat = inside + offset
        return ((first, self._jump(beat if beat >= 0 else beat + unit * math.ceil(length / unit))),)

    def _keep(self, lead: Lead, first: int, end: int, state: Snapshot) -> tuple[Moment, ...]:
        """Nudge the playhead towards the clock."""
        beat = self._playhead().led_beat
        assert beat is not None
        offset = _wrapped(self._beat(lead, first + self._playhead().late_frames) - beat, 1.0)
        self.error_s = offset * 60 / lead.line.tempo_bpm
        catch_up_s = max(CATCH_UP_S, 2 * (end - first) * self._clock.frame_s)
        return self._nudge(first, 100 * self.error_s / catch_up_s, state)

    def _release(self, first: int, state: Snapshot) -> tuple[Moment, ...]:
        """Stop nudging: there is no clock, or no playhead that could follow it."""
        was_locked, self._is_locked, self.error_s = self._is_locked, False, None
        return self._nudge(first, 0.0, state) if was_locked else ()

    def _jump(self, beat: float) -> tuple[Event, ...]:
        self._is_locked, self.error_s = True, 0.0
        return SetControl(BEAT, (max(beat, 0.0),)), SetControl(NUDGE, (0.0,))

    def _nudge(self, first: int, asked: float, state: Snapshot) -> tuple[Moment, ...]:
        nudge = round(min(max(asked, -MOST_NUDGE), MOST_NUDGE), NUDGE_DIGITS) + 0.0  # not -0
        if nudge == state.value(NUDGE):
            return ()
        return ((first, (SetControl(NUDGE, (nudge,)),)),)

    def _beat(self, lead: Lead, frame: float) -> float:
        """The clock's beat when ``frame`` is heard."""
        return lead.line.beat_at(self._clock.time_of(0) + frame * self._clock.frame_s)


def _runs(state: Snapshot) -> bool:
    """Return True if the playhead runs at the tempo; else its beat is not the clock's."""
    return state.playing and state.value("/speed") == 1 and not state.value("/freeze")


def _wrapped(beats: float, unit: float) -> float:
    """The same part of ``unit``, nearest to 0."""
    return beats - unit * round(beats / unit)
