"""MIDI clock as a line: jitter is filtered, jumps and gaps are followed, beats are counted."""

from __future__ import annotations

import numpy as np
import pytest

from server.clock.midi_clock import FEWEST_TICKS, TICKS_A_BEAT, MidiClock


def beaten(clock: MidiClock, bpm: float, beats: float, start_s: float, jitter_s: float = 0.0):  # type: ignore[no-untyped-def]
    """Tick at ``bpm``; return the tempi found and the time of the next tick."""
    tick_s = 60 / bpm / TICKS_A_BEAT
    generator = np.random.default_rng(int(bpm))
    told = []
    for n in range(round(beats * TICKS_A_BEAT)):
        # Ticks come late, never early, and in order.
        clock.tick(start_s + n * tick_s + jitter_s * generator.uniform())
        told.append(clock.line.tempo_bpm if clock.line else None)
    return told, start_s + round(beats * TICKS_A_BEAT) * tick_s


@pytest.mark.parametrize("bpm", [30.0, 60.0, 120.0, 174.0, 300.0])
def test_an_even_clock_gives_its_exact_tempo(bpm: float) -> None:
    told, _ = beaten(MidiClock(), bpm, 4, 100.0)
    assert told[: FEWEST_TICKS - 1] == [None] * (FEWEST_TICKS - 1)
    assert told[FEWEST_TICKS:] == pytest.approx([bpm] * (len(told) - FEWEST_TICKS))


def test_port_jitter_is_filtered() -> None:
    told, _ = beaten(MidiClock(), 120, 32, 0.0, jitter_s=0.004)
    settled = np.array(told[3 * TICKS_A_BEAT :])
    assert np.abs(settled - 120).max() < 0.4
    assert settled.std() < 0.15


def test_a_tempo_jump_is_followed_within_a_beat() -> None:
    clock = MidiClock()
    _, next_s = beaten(clock, 100, 8, 0.0, jitter_s=0.002)
    told, _ = beaten(clock, 140, 3, next_s, jitter_s=0.002)
    assert told[TICKS_A_BEAT] == pytest.approx(140, abs=4)
    assert told[-1] == pytest.approx(140, abs=0.6)


def test_a_ritardando_is_followed() -> None:
    clock, time_s = MidiClock(), 0.0
    for bpm in np.linspace(120, 90, 8 * TICKS_A_BEAT):
        clock.tick(time_s)
        time_s += 60 / bpm / TICKS_A_BEAT
    assert clock.line is not None and clock.line.tempo_bpm == pytest.approx(92, abs=3)


def test_after_a_gap_the_clock_starts_again() -> None:
    clock = MidiClock()
    beaten(clock, 100, 4, 0.0)
    clock.tick(60.0)
    assert clock.line is None
    told, _ = beaten(clock, 80, 2, 60.1)
    assert told[-1] == pytest.approx(80, abs=0.5)


@pytest.mark.parametrize("held_s", [0.03, 0.06, 0.1])
@pytest.mark.parametrize("lost", [0, 1])
def test_the_beat_count_survives_a_burst_with_a_lost_tick(held_s: float, lost: int) -> None:
    """As after a delay of the machine: late ticks come at once, and JACK drops some of them."""
    tick_s = 60 / 140 / TICKS_A_BEAT
    generator = np.random.default_rng(0)
    for first in 6 * TICKS_A_BEAT + np.arange(12):
        even_s = tick_s * np.arange(16 * TICKS_A_BEAT)
        due_s = even_s + generator.uniform(0, 0.001, even_s.size)
        held = (due_s > due_s[first]) & (due_s < due_s[first] + held_s)
        came_s = np.where(held, due_s[first] + held_s, due_s)
        clock = MidiClock()
        clock.start()
        for time_s in np.delete(came_s, slice(first + 1, first + 1 + lost)):
            clock.tick(time_s)
        assert clock.lead is not None
        late_beats = (len(due_s) - 1) / TICKS_A_BEAT - clock.lead.line.beat_at(due_s[-1])
        assert abs(late_beats) * TICKS_A_BEAT < 0.3


def test_the_beat_counts_from_start_and_from_the_song_position() -> None:
    clock = MidiClock()
    beaten(clock, 120, 4, 0.0)
    clock.start()
    _, next_s = beaten(clock, 120, 4, 2.0)
    assert clock.line is not None
    assert clock.line.beat_at(next_s) == pytest.approx(4)
    clock.seek(64)
    _, next_s = beaten(clock, 120, 1, next_s)
    assert clock.line.beat_at(next_s) == pytest.approx(17)


def test_ticks_that_make_no_sense_give_no_tempo() -> None:
    clock = MidiClock()
    for _ in range(100):
        clock.tick(5.0)
    assert clock.line is None
    for n in range(100):
        clock.tick(5.0 - n)
    assert clock.line is None
