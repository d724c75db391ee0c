"""Notes play slices: from their first frame, at their velocity, however short."""

from __future__ import annotations

import numpy as np
import pytest

from server.controls.events import Event, Panic, Play, PlayNote, SetControl, Stop
from server.engine.notes import SHORTEST_S
from tests import mini_bundle
from tests.server.control_inputs import FRAME_S, ControlRig, at
from tests.server.fakes import fake_deck

TICKS = 160
FRAMES_PER_TICK = mini_bundle.manifest().frames_per_tick
SLICE_FRAMES = TICKS * FRAMES_PER_TICK // 16
SHORTEST = round(SHORTEST_S / FRAME_S)
LATENCY_FRAMES = 4


class Rig(ControlRig):
    """A deck whose structure shows where it is read."""

    def __init__(self, *, playing: bool = True) -> None:
        super().__init__(playing=playing)
        self.engine.put_deck("a", fake_deck("a", 0.0, ticks=TICKS))
        self.sound: list[np.ndarray] = []

    def play(self, *parts: int | Event, block: int = 4) -> np.ndarray:
        """The places at which the deck is read, 0..1, frame by frame, during ``parts``."""
        before = len(self.session.structures)
        for part in parts:
            if isinstance(part, Event):
                self.dispatch((part,))
            else:
                self.sound += [self.engine.render(block)[0] for _ in range(part // block)]
        read = self.session.structures[before:]
        whole = np.concatenate(read, axis=1)[0] if read else np.zeros(0)
        return (whole - 0.5) * 2

    @property
    def loudest(self) -> np.ndarray:
        """The peak of each frame rendered so far."""
        sound = np.abs(np.concatenate(self.sound))
        return sound.reshape(-1, mini_bundle.HOP).max(axis=1)


@pytest.mark.parametrize("block", [1, 4, 20])
@pytest.mark.parametrize("playing", [True, False])
def test_a_note_loops_its_slice_from_its_start(playing: bool, block: int) -> None:
    places = Rig(playing=playing).play(20, PlayNote(40, 127), 3 * SLICE_FRAMES, block=block)
    start = places.size - 3 * SLICE_FRAMES
    slice_4 = places[start + 2 :]
    assert slice_4.min() == pytest.approx(4 / 16, abs=0.02)
    assert slice_4.max() == pytest.approx(5 / 16, abs=0.02)
    assert slice_4[0] == pytest.approx(4 / 16, abs=0.02)
    np.testing.assert_allclose(slice_4[:20], slice_4[SLICE_FRAMES : SLICE_FRAMES + 20], atol=1e-4)


def test_the_same_key_again_restarts_the_slice() -> None:
    places = Rig().play(PlayNote(40, 127), 12, PlayNote(40, 127), 12)
    np.testing.assert_allclose(places[14:24], places[2:12], atol=1e-4)


def test_after_a_note_the_loop_is_as_it_was() -> None:
    rig = Rig()
    loop = [SetControl("/loop", (0.5, 0.75))]
    rig.play(4, *loop, 40, PlayNote(36, 127), 200, PlayNote(36, 0), 40)
    places = rig.play(8 * SLICE_FRAMES)
    assert places.min() == pytest.approx(0.5, abs=0.02)
    assert places.max() == pytest.approx(0.75, abs=0.02)


def test_while_stopped_a_note_sounds_for_as_long_as_it_is_held() -> None:
    rig = Rig(playing=False)
    rig.play(40, PlayNote(36, 127), 200, PlayNote(36, 0), 200)
    sounds = np.flatnonzero(rig.loudest)
    assert 36 <= sounds[0] <= 41
    assert 236 <= sounds[-1] <= 241 + LATENCY_FRAMES


@pytest.mark.parametrize("block", [1, 4, 20])
@pytest.mark.parametrize("held", [0, 20], ids=["within a block", "twenty frames"])
def test_a_short_note_sounds_long_enough(held: int, block: int) -> None:
    rig = Rig(playing=False)
    rig.play(40, PlayNote(36, 127), held, PlayNote(36, 0), 400, block=block)
    sounds = np.flatnonzero(rig.loudest)
    assert sounds[-1] - sounds[0] + 1 == pytest.approx(SHORTEST, abs=4)


def test_a_timed_note_begins_and_ends_in_its_frames() -> None:
    rig = Rig(playing=False)
    rig.render(8)
    start_s = rig.timeline.clock.time_of(50)
    rig.send(at(start_s, ("/note", [44, 127])))
    rig.send(at(start_s + 60 * FRAME_S, ("/note", [44, 0])))
    rig.render(192)
    held = [n for n, state in enumerate(rig.timeline.states) if state.note.is_held]
    assert (held[0], held[-1]) == (50, 109)


@pytest.mark.parametrize(("velocity", "gain"), [(127, 1.0), (64, (64 / 127) ** 2), (1, 127**-2)])
def test_velocity_sets_the_level_of_the_note_alone(velocity: int, gain: float) -> None:
    rig = Rig()
    rig.play(200, PlayNote(40, 127), 200, PlayNote(40, velocity), 200, PlayNote(40, 0), 200)
    loudest = rig.loudest
    assert loudest[450:590].max() == pytest.approx(gain * loudest[250:390].max(), rel=0.05)
    assert loudest[700:].max() > 0.9 * loudest[100:190].max()


def test_releasing_an_earlier_key_does_not_end_the_note() -> None:
    rig = Rig(playing=False)
    rig.play(PlayNote(36, 127), 200, PlayNote(40, 127), 40, PlayNote(36, 0), 200)
    assert rig.loudest[-20:].min() > 0


@pytest.mark.parametrize("end", [Stop(), Panic()])
def test_stop_and_panic_end_a_note(end: Event) -> None:
    rig = Rig()
    rig.play(40, PlayNote(36, 127), 40, end, 400)
    assert not rig.loudest[-20:].any()
    rig.play(Play(), 40)
    assert rig.loudest[-20:].max() > 0


def test_without_a_deck_a_note_is_silent() -> None:
    controls = ControlRig(playing=False)
    controls.dispatch((PlayNote(36, 127),))
    assert not controls.engine.render(40).any()


@pytest.mark.parametrize("block", [1, 4])
@pytest.mark.parametrize("semitones", [-12.0, -3.0, 12.0])
def test_a_note_plays_its_slice_at_any_pitch(semitones: float, block: int) -> None:
    rig = Rig()
    pitch = SetControl("/pitch", (semitones,))
    places = rig.play(pitch, 80, PlayNote(40, 127), 80, block=block)
    assert 4 / 16 - 0.02 <= places[-1] <= 5 / 16 + 0.02
