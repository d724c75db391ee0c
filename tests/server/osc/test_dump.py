"""``/dump 1`` prints incoming messages, and a flood of them as a few lines."""

from __future__ import annotations

from pythonosc.osc_message_builder import build_msg

from server.controls.replies import Reply
from server.osc.dump import MAX_LINES_PER_S
from tests.server.control_inputs import ControlRig


def test_messages_after_dump_on_are_printed_until_dump_off() -> None:
    rig = ControlRig()
    rig.send(build_msg("/level", -3.0).dgram)
    rig.send(build_msg("/dump", 1).dgram)
    rig.send(build_msg("/interp", 0.25).dgram)
    rig.send(b"/wek/outputs\0\0\0\0,[fT]\0\0\0\x3f\0\0\0")
    rig.send(build_msg("/deck/a/load", "low").dgram)
    rig.send(build_msg("/dump", 0).dgram)
    rig.send(build_msg("/interp", 0.5).dgram)
    assert rig.lines == [
        "OSC from fake: /interp 0.25",
        "OSC from fake: /wek/outputs [0.5 True]",
        "OSC from fake: /deck/a/load low",
        "OSC from fake: /dump 0",
    ]
    done = [reply for reply in rig.sender.replies if reply.arguments[0] == "/dump"]
    assert done == [Reply("/done", ("/dump", 1)), Reply("/done", ("/dump", 0))]


def test_a_flood_of_messages_is_counted_instead_of_printed() -> None:
    rig = ControlRig()
    rig.send(build_msg("/dump", 1).dgram)
    for _ in range(3 * MAX_LINES_PER_S):
        rig.send(build_msg("/play").dgram)
    assert len(rig.lines) == MAX_LINES_PER_S
    rig.now_s += 1.0
    rig.send(build_msg("/stop").dgram)
    assert rig.lines[MAX_LINES_PER_S:] == [
        f"OSC: {2 * MAX_LINES_PER_S} more messages were not printed",
        "OSC from fake: /stop",
    ]
