"""A simulated performance under a clock: messages, rendered frames, and the playhead's places."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from mido import Message
from numpy.typing import NDArray
from pythonosc.osc_message_builder import build_msg

from export.bundle.beats import Beats
from server.clock.midi_clock import TICKS_A_BEAT
from server.engine.playhead_motion import PlayheadMotion
from tests import mini_bundle
from tests.server.control_inputs import FRAME_S, ControlRig
from tests.server.fakes import fake_deck

PER_TICK = mini_bundle.TICK_FRAMES
LATENCY_S = 0.105
OWN_BPM = 110.0
BEATS_OF_DECK = 8
BEAT_FRAMES = 60 / OWN_BPM / FRAME_S
FIRST_FRAMES = 50.0
DECK_TICKS = round((FIRST_FRAMES + BEATS_OF_DECK * BEAT_FRAMES) / PER_TICK) + 7
OWN = Beats(OWN_BPM, FIRST_FRAMES * FRAME_S, 1.0)

Sent = tuple[float, Message]
"""The arrival time in s, and the message."""


def ticks(
    bpm: float, beats: float, start_s: float, jitter_s: float = 0.0, seed: int = 0
) -> list[Sent]:
    """MIDI clock, each tick up to ``jitter_s`` early or late, but none before another."""
    random = np.random.default_rng(seed)
    count = round(beats * TICKS_A_BEAT)
    even = start_s + np.arange(count) * 60 / bpm / TICKS_A_BEAT
    uneven = np.maximum.accumulate(even + random.uniform(-jitter_s, jitter_s, count))
    return [(float(at_s), Message("clock")) for at_s in uneven]


@dataclass(eq=False)
class Performance:
    """One deck of eight beats; times are in s from the first block's rendering."""

    rig: ControlRig = field(default_factory=lambda: ControlRig(playing=False, latency_s=LATENCY_S))
    beats: Beats | None = OWN
    block: int = 4

    coming: list[Sent] = field(default_factory=list)

    def __post_init__(self) -> None:
        rig = self.rig
        self.start_s = rig.now_s
        self._places: list[NDArray[np.float64]] = []
        rig.engine.put_deck("a", fake_deck("a", 0.0, ticks=DECK_TICKS, beats=self.beats))
        advance = rig.engine.playhead.advance

        def spy(motion: PlayheadMotion) -> Any:
            positions = advance(motion)
            read = positions.on(DECK_TICKS, self.beats)
            self._places.append((read.ticks + 0.5) * PER_TICK - 0.5)
            return positions

        rig.engine.playhead.advance = spy  # type: ignore[method-assign]

    def say(self, address: str, *values: float | str) -> None:
        self.rig.send(build_msg(address, list(values)).dgram)

    def play(self, sent: Iterable[Sent], seconds: float) -> None:
        """Render ``seconds`` from now on while messages arrive; later ones are kept for the next
        call.
        """
        coming = self.coming = sorted([*self.coming, *sent], key=lambda one: one[0])
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            while coming and coming[0][0] <= self.now_s:
                at_s, message = coming.pop(0)
                self.rig.clocks.receive(message, self.start_s + at_s)
            self.rig.pass_time()
            self.rig.engine.render(self.block)
            self.rig.now_s += self.block * FRAME_S

    @property
    def now_s(self) -> float:
        return self.rig.now_s - self.start_s

    @property
    def frames(self) -> NDArray[np.float64]:
        """The places (N,) at which the deck was read, in its frames."""
        return np.concatenate(self._places)

    @property
    def heard_s(self) -> NDArray[np.float64]:
        """The times (N,) at which these were heard."""
        return np.arange(self.frames.size) * FRAME_S + LATENCY_S

    @property
    def loop_beats(self) -> NDArray[np.float64]:
        """``frames`` in beats of the deck, counted from its first beat."""
        return (self.frames - FIRST_FRAMES) / BEAT_FRAMES

    def off_frames(
        self, bpm: float, begun_s: float, from_beat: float, unit: float = BEATS_OF_DECK
    ) -> NDArray[np.float64]:
        """The delay (M,), in frames, behind a clock that began at ``begun_s``; from a beat on."""
        beats = (self.heard_s - begun_s) * bpm / 60
        since = beats >= from_beat
        away = beats[since] - self.loop_beats[since]
        return (away - unit * np.round(away / unit)) * 60 / bpm / FRAME_S
