"""Feedback to controllers: a desk, knobs, and a clock that the test turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from mido import Message

from server.controls.desk import Desk
from server.controls.events import SetControl
from server.controls.table import control_table
from server.midi.decode.messages import DecoderState, moves_of
from server.midi.decode.moves import Knob, Move
from server.midi.feedback import ECHO_S, INTERVAL_S, REST_S, Feedback, messages_of
from server.midi.mappings.active_mappings import ActiveMappings
from server.midi.mappings.mapping import KnobPattern, MidiMapping
from server.midi.mappings.mapping_table import MappingTable

TABLE = control_table(style_dims=4)
FADER = KnobPattern("desk", 0, "cc", 7)
INTERP = MidiMapping("/interp", FADER)


class Scene:
    """Learned knobs, and the messages ``sent`` to their controller."""

    def __init__(self, *learned: MidiMapping) -> None:
        self.desk = Desk(TABLE)
        self.maps = ActiveMappings(self.desk, self.desk.apply, MappingTable(learned))
        self.sent: list[tuple[str, Sequence[int]]] = []
        self.now_s = 100.0
        self.due: list[Callable[[], None]] = []
        self.feedback = Feedback(
            self.desk,
            self.maps,
            lambda port, message: self.sent.append((port, tuple(message))),
            lambda seconds, call: self.due.append(call),
            lambda: self.now_s,
        )
        self.feedback.start()
        self.sent.clear()

    def wait(self, seconds: float = INTERVAL_S) -> list[Sequence[int]]:
        """Let time pass; return the messages sent meanwhile."""
        self.sent.clear()
        end_s = self.now_s + seconds
        while self.now_s < end_s - 1e-9:
            self.now_s += INTERVAL_S
            waiting, self.due = self.due, []
            for call in waiting:
                call()
        return [message for _, message in self.sent]

    def set(self, address: str, value: float) -> None:
        self.desk.apply([SetControl(address, (value,))])

    def turn(self, *values: int, number: int = 7, largest: int = 127) -> int:
        """Turn a knob; return how many of its moves were no echoes."""
        moves = [Move(Knob("desk", 0, "cc", number), value, largest) for value in values]
        taken = [move for move in moves if not self.feedback.is_echo(move)]
        for move in taken:
            self.maps.take([move])
            self.feedback.moved(move)
        return len(taken)


@pytest.mark.parametrize(
    ("knob", "raw", "bits"),
    [
        (Knob("x", 0, "cc", 7), 0, 7),
        (Knob("x", 15, "cc", 7), 127, 7),
        (Knob("x", 2, "cc", 16), 8193, 14),
        (Knob("x", 2, "nrpn", 300), 16383, 14),
        (Knob("x", 2, "nrpn", 5), 77, 7),
        (Knob("x", 1, "bend"), 0, 14),
        (Knob("x", 1, "bend"), 12345, 14),
        (Knob("x", 9, "velocity", 36), 127, 7),
    ],
)
def test_feedback_messages_encode_the_knob_position(knob: Knob, raw: int, bits: int) -> None:
    memory, last = DecoderState(), None
    for message in messages_of(knob, raw, bits):
        memory, moves = moves_of(memory, "x", Message.from_bytes(message))
        last = moves[-1] if moves else last
    assert last is not None
    assert (last.knob, last.value) == (knob, raw)
    assert last.largest == (127 if bits == 7 else 16383)


def test_a_learned_knob_is_sent_changes_made_by_something_else() -> None:
    scene = Scene(INTERP)
    scene.set("/interp", 1.0)
    assert scene.wait() == [(0xB0, 7, 127)]
    assert scene.wait(1.0) == []
    assert scene.sent == [] and scene.wait() == []


def test_a_controller_is_sent_the_current_values_at_the_start() -> None:
    scene = Scene(MidiMapping("/level", FADER))
    scene.feedback.forget(["desk"])
    assert scene.wait() == [(0xB0, 7, round(48 / 66 * 127))]


def test_only_the_newest_of_fast_changes_is_sent() -> None:
    scene = Scene(INTERP)
    for value in range(100):
        scene.set("/interp", value / 127)
    assert scene.wait() == [(0xB0, 7, 99)]
    scene.set("/interp", 99.1 / 127)
    assert scene.wait() == []


def test_a_knob_is_not_sent_its_own_changes() -> None:
    scene = Scene(INTERP, MidiMapping("/slice", FADER))
    scene.turn(20, 21, 22)
    assert scene.wait(2.0) == []
    scene = Scene(MidiMapping("/slice", FADER))
    scene.turn(70)
    assert scene.wait(2.0) == []


def test_another_knob_of_the_same_control_is_sent_the_change() -> None:
    scene = Scene(INTERP, MidiMapping("/interp", KnobPattern("desk", 0, "cc", 8), invert=True))
    scene.turn(127)
    assert scene.wait() == [(0xB0, 8, 0)]
    scene.turn(0)
    assert scene.wait() == [(0xB0, 8, 127)]


def test_a_knob_being_turned_is_sent_changes_once_it_rests() -> None:
    scene = Scene(INTERP)
    scene.turn(64)
    scene.set("/interp", 0.0)
    assert scene.wait(REST_S - 2 * INTERVAL_S) == []
    assert scene.wait(4 * INTERVAL_S) == [(0xB0, 7, 0)]


def test_a_knob_waiting_for_pick_up_is_sent_the_control_value() -> None:
    scene = Scene(MidiMapping("/interp", FADER, takeover="pick-up"))
    scene.set("/interp", 1.0)
    scene.wait()
    scene.turn(5, 10)
    assert scene.wait(REST_S + INTERVAL_S) == [(0xB0, 7, 127)]


@pytest.mark.parametrize(
    "one",
    [
        MidiMapping("/interp", FADER, feedback=False),
        MidiMapping("/interp", KnobPattern(None, 0, "cc", 7)),
        MidiMapping("/interp", KnobPattern("desk", None, "cc", 7)),
        MidiMapping("/interp", KnobPattern("desk", 0, "pressure")),
        MidiMapping("/named/gone", FADER),
    ],
    ids=["off", "any port", "any channel", "pressure", "no control"],
)
def test_mappings_without_feedback_are_sent_nothing(one: MidiMapping) -> None:
    scene = Scene(one)
    scene.set("/interp", 1.0)
    assert scene.wait(1.0) == []


def test_echoes_are_not_moves_but_real_turns_are() -> None:
    scene = Scene(INTERP)
    scene.set("/interp", 0.5)
    scene.wait()
    scene.set("/interp", 0.6)
    scene.wait()
    assert scene.turn(64) == 0  # both come back, late
    assert scene.turn(76) == 0
    assert scene.desk.snapshot().value("/interp") == 0.6
    assert scene.turn(76) == 1
    assert scene.turn(30) == 1


def test_14_bit_echoes_are_not_moves() -> None:
    scene = Scene(MidiMapping("/interp", FADER, bits=14))
    scene.set("/interp", 0.5)
    assert scene.wait() == [(0xB0, 7, 64), (0xB0, 39, 0)]
    assert scene.turn(64 * 128 + 99, 64 * 128, largest=16383) == 0


def test_a_message_sent_long_ago_is_not_an_echo() -> None:
    scene = Scene(INTERP)
    scene.set("/interp", 0.5)
    scene.wait(ECHO_S + 2 * INTERVAL_S)
    assert scene.turn(64) == 1


def test_a_replugged_controller_is_sent_all_values() -> None:
    pad = KnobPattern("pads", 9, "velocity", 36)
    scene = Scene(INTERP, MidiMapping("/walk", pad))
    scene.set("/interp", 1.0)
    scene.wait()
    scene.feedback.forget(["desk"])
    assert scene.wait() == [(0xB0, 7, 127)]
    scene.feedback.forget(["desk", "pads"])
    assert scene.wait() == [(0xB0, 7, 127), (0x99, 36, 0)]


def test_a_new_mapping_is_sent_its_value_at_once() -> None:
    scene = Scene()
    scene.set("/walk", 1.0)
    assert scene.wait() == []
    scene.maps.table = scene.maps.table.with_learned(MidiMapping("/walk", FADER))
    assert scene.wait() == [(0xB0, 7, 127)]


def test_an_encoder_is_sent_the_result_of_its_own_steps() -> None:
    scene = Scene(MidiMapping("/interp", FADER, relative="2's complement"))
    scene.set("/interp", 0.5)
    scene.wait()
    scene.turn(1, 1, 2)
    assert scene.wait() == [(0xB0, 7, round((0.5 + 4 / 128) * 127))]
