"""``/dump 1`` prints what comes in, and a flood of it is a few lines."""

from __future__ import annotations

from pythonosc.osc_message_builder import build_msg

from server.controls.replies import Reply
from server.osc.dump import MAX_LINES_PER_S
from tests.server.control_inputs import Hands


def test_messages_are_printed_from_the_next_one_on_until_it_is_off() -> None:
    hands = Hands()
    hands.send(build_msg("/level", -3.0).dgram)
    hands.send(build_msg("/dump", 1).dgram)
    hands.send(build_msg("/interp", 0.25).dgram)
    hands.send(b"/wek/outputs\0\0\0\0,[fT]\0\0\0\x3f\0\0\0")
    hands.send(build_msg("/deck/a/load", "low").dgram)
    hands.send(build_msg("/dump", 0).dgram)
    hands.send(build_msg("/interp", 0.5).dgram)
    assert hands.lines == [
        "OSC from fake: /interp 0.25",
        "OSC from fake: /wek/outputs [0.5 True]",
        "OSC from fake: /deck/a/load low",
        "OSC from fake: /dump 0",
    ]
    done = [reply for reply in hands.sender.replies if reply.arguments[0] == "/dump"]
    assert done == [Reply("/done", ("/dump", 1)), Reply("/done", ("/dump", 0))]


def test_a_flood_is_counted_instead() -> None:
    hands = Hands()
    hands.send(build_msg("/dump", 1).dgram)
    for _ in range(3 * MAX_LINES_PER_S):
        hands.send(build_msg("/play").dgram)
    assert len(hands.lines) == MAX_LINES_PER_S
    hands.now_s += 1.0
    hands.send(build_msg("/stop").dgram)
    assert hands.lines[MAX_LINES_PER_S:] == [
        f"OSC: {2 * MAX_LINES_PER_S} more messages were not printed",
        "OSC from fake: /stop",
    ]
