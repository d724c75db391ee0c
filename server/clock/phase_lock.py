"""Keeps the playhead on the beat of the clock that is followed, as it is heard.

    clock (a line)  -- beat of the next frame when it is heard --.
                                                                 (-)-- error --> /nudge
    playhead -------------- beat of the next frame --------------'

Before each block it is looked how far the playhead is from the clock, and its speed is pushed a
little against that (``/nudge``): by as much as makes up for it within ``CATCH_UP_S``, and by at
most 10 %, which is no more than a hand does, and pitch stays. A jump (``/beat``) is made where the
song begins or is moved, to the place that it is at when that is heard, and where the playhead
begins to run: to the nearest one on the beat. Both are changes of the desk like those of a hand, in
their frame, so that a score has them and sounds the same again.

Decks are on the beat where they are read in beats (``server.engine.pace``); a deck whose tempo is
not known starts with the song and then goes its own way.
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
"""Time constant with which an error goes; that of the clock's own line is filtered before."""
NUDGE_DIGITS = 1
"""Of its per cents: a tenth is an error of a quarter of a millisecond, and that stays."""
NEAR_S = 0.001
"""An error that is not worth a jump."""


class LockedPlayhead(Protocol):
    """A playhead, between two blocks."""

    @property
    def led_beat(self) -> float | None:
        """That of the next frame; None where decks keep none, or not the clock's."""

    @property
    def late_frames(self) -> float:
        """By how much later than the next frame's start that is heard."""

    @property
    def beats_of_loop(self) -> tuple[float, float] | None:
        """Where the first deck is in its loop, and how long that is, in beats."""


Moment = tuple[int, tuple[Event, ...]]
"""A frame, and what happens in it."""


class PhaseLock:
    """Asked before each block, in the engine's thread, which alone moves the playhead."""

    def __init__(self, follower: Callable[[], LockedPlayhead], clock: SampleClock) -> None:
        self.lead: Lead | None = None
        """What is followed; any thread may put another one there."""
        self._follower = follower
        self._clock = clock
        self._seeks = 0
        self._is_locked = False
        self.error_s: float | None = None
        """How late the beat was heard at the last look; None where nothing is locked."""

    def begin(self, seeks: int) -> None:
        """Another clock is followed from now on; what it did before is past."""
        self._seeks = seeks

    def due(self, first: int, end: int, state: Snapshot) -> tuple[Moment, ...]:
        """What is to happen in the frames from ``first`` to before ``end``, begun in ``state``."""
        lead = self.lead
        if lead is None:
            return self._let_go(first, state)
        if lead.seeks != self._seeks:
            return self._seek(lead, first, end, state)
        if not _runs(state) or self._follower().led_beat is None:
            return self._let_go(first, state)
        if not self._is_locked:
            return self._join(lead, first, state)
        return self._keep(lead, first, end, state)

    def _seek(self, lead: Lead, first: int, end: int, state: Snapshot) -> tuple[Moment, ...]:
        """The song begins or is elsewhere: be there, in the frame in which it is."""
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
        """From the nearest place on that is the same part of a bar, or of a beat."""
        place = self._follower().beats_of_loop
        if place is None:
            return ()
        inside, length = place
        is_bars = abs(_wrapped(length, lead.bar_beats)) < 1e-6
        unit = lead.bar_beats if is_bars else 1.0
        away = _wrapped(self._beat(lead, first) - inside, unit)
        self._is_locked = True
        if abs(away) * 60 / lead.line.tempo_bpm < NEAR_S:
            return ()
        beat = inside + away
        return ((first, self._jump(beat if beat >= 0 else beat + unit * math.ceil(length / unit))),)

    def _keep(self, lead: Lead, first: int, end: int, state: Snapshot) -> tuple[Moment, ...]:
        """Push the playhead towards the clock."""
        beat = self._follower().led_beat
        assert beat is not None
        away = _wrapped(self._beat(lead, first + self._follower().late_frames) - beat, 1.0)
        self.error_s = away * 60 / lead.line.tempo_bpm
        catch_up_s = max(CATCH_UP_S, 2 * (end - first) * self._clock.frame_s)
        return self._nudge(first, 100 * self.error_s / catch_up_s, state)

    def _let_go(self, first: int, state: Snapshot) -> tuple[Moment, ...]:
        """Nothing to follow, or nobody who could: on as it is."""
        was_locked, self._is_locked, self.error_s = self._is_locked, False, None
        return self._nudge(first, 0.0, state) if was_locked else ()

    def _jump(self, beat: float) -> tuple[Event, ...]:
        self._is_locked, self.error_s = True, 0.0
        return SetControl(BEAT, (max(beat, 0.0),)), SetControl(NUDGE, (0.0,))

    def _nudge(self, first: int, wanted: float, state: Snapshot) -> tuple[Moment, ...]:
        nudge = round(min(max(wanted, -MOST_NUDGE), MOST_NUDGE), NUDGE_DIGITS) + 0.0  # not -0
        if nudge == state.value(NUDGE):
            return ()
        return ((first, (SetControl(NUDGE, (nudge,)),)),)

    def _beat(self, lead: Lead, frame: float) -> float:
        """Which beat the clock is at when ``frame`` is heard."""
        return lead.line.beat_at(self._clock.time_of(0) + frame * self._clock.frame_s)


def _runs(state: Snapshot) -> bool:
    """Whether the playhead goes at the tempo: at another speed its beat is not the clock's."""
    return state.playing and state.value("/speed") == 1 and not state.value("/freeze")


def _wrapped(beats: float, unit: float) -> float:
    """The same part of ``unit``, nearest to 0."""
    return beats - unit * round(beats / unit)
