"""MPE: the per-note bend, CC74 and pressure of a zone become one knob each."""

from __future__ import annotations

import pytest

from server.midi.decode.moves import Move
from tests.server.midi.bytes import cc, move, moved


def configure(members: int, channel: int = 0) -> list[bytes]:
    """The MPE configuration message, as in the examples of M1-100-UM v1.1, section 2.1."""
    return [
        *cc(100, 6, channel=channel),
        *cc(101, 0, channel=channel),
        *cc(6, members, channel=channel),
    ]


def bend(channel: int, value: int) -> bytes:
    return bytes((0xE0 + channel, value & 127, value >> 7))


def pressure(channel: int, value: int) -> bytes:
    return bytes((0xD0 + channel, value))


def on(channel: int, key: int, velocity: int = 100) -> bytes:
    return bytes((0x90 + channel, key, velocity))


def off(channel: int, key: int) -> bytes:
    return bytes((0x80 + channel, key, 64))


def in_zone(*messages: bytes, members: int = 15) -> list[Move]:
    return moved(*configure(members), *messages)


def bent(value: int) -> Move:
    return move("bend", 0, value, 16383)


def test_the_configuration_itself_moves_nothing() -> None:
    ranges = [m for n in range(16) for m in (*cc(101, 0, channel=n), *cc(100, 0, channel=n))]
    entered = [m for n in range(16) for m in (*cc(6, 48, channel=n), *cc(38, 0, channel=n))]
    assert in_zone(*ranges, *entered) == []


def test_per_note_dimensions_are_knobs_of_the_master_channel() -> None:
    played = [on(3, 60), bend(3, 9000), *cc(74, 80, channel=3), pressure(3, 50)]
    assert in_zone(*played) == [
        move("velocity", 60, 100),
        bent(9000),
        move("cc", 74, 80),
        move("pressure", 0, 50),
    ]


def test_dimensions_sent_before_a_note_move_when_it_begins() -> None:
    assert in_zone(bend(2, 9000), *cc(74, 10, channel=2), on(2, 60)) == [
        bent(9000),
        move("cc", 74, 10),
        move("velocity", 60, 100),
    ]


def test_only_the_last_held_note_moves_the_dimensions() -> None:
    played = [on(1, 60), bend(1, 9000), on(2, 64), bend(1, 9500), bend(2, 7000), off(2, 64)]
    assert in_zone(*played) == [
        move("velocity", 60, 100),
        bent(9000),
        bent(8192),
        move("velocity", 64, 100),
        bent(7000),
        bent(9500),
        move("velocity", 64, 0),
    ]


def test_the_master_bend_is_added_to_the_note_bend() -> None:
    played = [bend(0, 9192), on(1, 60), bend(1, 9192), bend(0, 16383), bend(0, 8192)]
    assert in_zone(*played) == [
        bent(9192),
        move("velocity", 60, 100),
        bent(10192),
        bent(16383),
        bent(9192),
    ]


@pytest.mark.parametrize("sent", [[bend(1, 0)], [pressure(1, 90)]], ids=["bend", "pressure"])
def test_bend_and_pressure_spring_back_when_the_note_is_released(sent: list[bytes]) -> None:
    moves = in_zone(on(1, 60), *sent, off(1, 60), *sent)
    assert [one.value for one in moves[-2:]] == [{"bend": 8192}.get(moves[1].knob.kind, 0), 0]
    assert moves[-2].knob == moves[1].knob and moves[-1] == move("velocity", 60, 0)


def test_timbre_stays_where_the_note_left_it() -> None:
    moves = in_zone(*cc(74, 70), on(1, 60), *cc(74, 90, channel=1), off(1, 60))
    assert moves[-2:] == [move("cc", 74, 70 + 90 - 64), move("velocity", 60, 0)]


def test_channels_outside_the_zone_are_decoded_as_usual() -> None:
    assert in_zone(bend(6, 9000), *cc(74, 1, channel=6), on(6, 60), members=5) == [
        move("bend", 0, 9000, 16383, channel=6),
        move("cc", 74, 1, channel=6),
        move("velocity", 60, 100, channel=6),
    ]


@pytest.mark.parametrize(
    "ended", [configure(0), configure(14, channel=15)], ids=["no members", "an upper zone"]
)
def test_a_zone_ends_without_members_or_with_an_upper_zone(ended: list[bytes]) -> None:
    assert in_zone(*ended, bend(1, 9000)) == [move("bend", 0, 9000, 16383, channel=1)]


def test_a_zone_that_ends_bent_springs_back() -> None:
    assert in_zone(on(1, 60), bend(1, 9000), *configure(0))[1:] == [bent(9000), bent(8192)]


def test_an_upper_zone_takes_over_only_its_own_channels() -> None:
    played = [*configure(7, channel=15), on(7, 60), bend(7, 9000), bend(8, 9000)]
    assert in_zone(*played)[1:] == [bent(9000), move("bend", 0, 9000, 16383, channel=8)]


def test_a_configuration_with_too_many_members_is_ignored() -> None:
    assert in_zone(*configure(16), on(1, 60), bend(1, 9000))[1:] == [bent(9000)]


def test_poly_pressure_on_the_master_channel_is_decoded_as_usual() -> None:
    assert in_zone(bytes((0xA0, 60, 5))) == [move("poly", 60, 5)]


def test_all_notes_off_on_the_master_channel_releases_all_notes() -> None:
    assert in_zone(on(1, 60), on(2, 62), *cc(123, 0))[2:] == [
        move("velocity", 60, 0),
        move("velocity", 62, 0),
    ]
