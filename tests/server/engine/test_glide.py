"""Glides: any value, with its own time constant, the same at any block size."""

from __future__ import annotations

import numpy as np
import pytest
from pythonosc.osc_message_builder import build_msg

from server.command_line.initial_values import setting
from server.controls.desk import Desk, glide_s
from server.controls.events import SetGlide
from server.controls.replies import Reply
from server.controls.table import control_table
from server.engine.glide import Glide
from server.osc.mapping import MappingError
from tests.server.control_inputs import FRAME_S, ControlRig, FakeSender

TABLE = control_table(4)


def said(rig: ControlRig, *arguments: str | float) -> None:
    rig.send(build_msg("/glide", list(arguments)).dgram)


@pytest.mark.parametrize("size", [1, 4, 16])
def test_a_new_glide_time_applies_from_its_frame_on_at_any_block_size(size: int) -> None:
    glide = Glide(0.01)
    glide.follow((0.0, 0.0), (0.1, 0.0), size)
    parts = [glide.follow((1.0, 1.0), (0.1, 0.0), size) for _ in range(16 // size)]
    parts += [glide.follow((1.0, 1.0), (0.5, 0.0), size) for _ in range(16 // size)]
    first, second = np.concatenate(parts, axis=1)
    left = np.exp(-0.1 * np.arange(1, 17))
    np.testing.assert_allclose(1 - first[:16], left, atol=1e-12)
    np.testing.assert_allclose(1 - first[16:], left[-1] * np.exp(-0.02 * np.arange(1, 17)))
    assert (second == 1.0).all()


@pytest.mark.parametrize("address", ["/level", "/speed", "/freeze", "/latent", "/interp", "/loop"])
def test_any_value_and_all_values_of_a_shortcut_can_glide(address: str) -> None:
    rig = ControlRig()
    said(rig, address, 2.5)
    times = rig.desk.snapshot().smoothing_s
    assert {times[slot] for slot in TABLE.slots[address]} == {2.5}
    others = set(range(len(times))) - set(TABLE.slots[address])
    assert all(times[slot] == TABLE.smoothing_s[slot] for slot in others)
    said(rig, address)
    assert rig.sender.replies == [Reply("/glide", (address, 2.5))]


def test_a_gliding_freeze_stops_like_a_tape() -> None:
    rig = ControlRig()
    rig.put_decks()
    said(rig, "/freeze", 0.1)
    rig.render(16)
    rig.send(build_msg("/freeze", 1).dgram)
    rig.render(256)
    moved = rig.engine.playhead.position_frames - 16
    assert moved == pytest.approx(sum(np.exp(-FRAME_S / 0.1 * n) for n in range(1, 257)), rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("/play", 1.0), "/play holds no value"),
        (("/nowhere", 1.0), "/nowhere holds no value"),
        (("/position", 1.0), "jumps and cannot glide"),
        (("/slice",), "jumps and cannot glide"),
        (("/level", 60.5), "out of range; allowed are 0 to 60 s"),
        (("/level", -1.0), "out of range"),
        (("/level", "slow"), "not a number"),
        ((1.0, 1.0), "not text"),
        ((), "0 arguments; it takes 1 to 2 arguments"),
    ],
)
def test_an_invalid_glide_is_refused(arguments: tuple[str | float, ...], reason: str) -> None:
    with pytest.raises(AssertionError, match=reason):
        said(ControlRig(), *arguments)


def test_clients_are_notified_of_a_glide() -> None:
    rig, other = ControlRig(), FakeSender("other")
    rig.send(build_msg("/notify", 1).dgram, other)
    said(rig, "/level", 2.0)
    assert other.replies[-1] == Reply("/glide", ("/level", 2.0))
    assert rig.sender.replies == []


def test_the_command_line_sets_a_glide() -> None:
    desk = Desk(TABLE)
    desk.apply([setting(TABLE, "/glide=/interp,2")])
    assert glide_s(desk.snapshot(), "/interp/structure") == 2.0
    for text in ("/glide=/play,2", "/glide=2", "/glide=/interp", "/glide=/interp,-1"):
        with pytest.raises(MappingError):
            setting(TABLE, text)


def test_a_query_changes_nothing() -> None:
    desk = Desk(TABLE)
    before = desk.snapshot()
    desk.apply([SetGlide("/level")])
    assert desk.snapshot() is before
