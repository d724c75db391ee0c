"""Output commands are answered, and changes of the output are reported."""

from __future__ import annotations

import pytest
from pythonosc.osc_message_builder import build_msg

from server.controls.replies import Reply
from server.output.choice import OutputChoice
from server.output.commands import OutputCommands
from tests.server.control_inputs import FakeLive, FakeSender, Hands


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["mp3:x"], "is not an output"),
        (["wav:x"], "no live output"),
        (["soundcard:"], "nothing may follow"),
        (["null", "null"], "2 arguments"),
    ],
)
def test_what_is_no_live_output_is_refused(names: list[str], words: str) -> None:
    hands = Hands()
    hands.send(build_msg("/output", names).dgram)
    (reply,) = hands.sender.replies
    assert (reply.address, reply.arguments[0]) == ("/fail", "/output")
    assert words in str(reply.arguments[1])
    assert hands.live.choice == OutputChoice()


def test_an_output_that_cannot_be_opened_is_answered_with_the_reason() -> None:
    hands = Hands()
    hands.live.failure = "no sound card 'x'; there are: 0 y"
    hands.send(build_msg("/output", "soundcard:x").dgram)
    assert hands.sender.replies == [Reply("/fail", ("/output", hands.live.failure))]


def test_a_lost_card_is_told_to_all_who_want_to_know() -> None:
    hands, live, listener = Hands(), FakeLive(), FakeSender("listener")
    hands.send(build_msg("/notify", 1).dgram, listener)
    outputs = OutputCommands(live, hands.notifier.tell, lambda call: call())
    live.state = "lost"
    outputs.report()
    assert listener.replies[-1] == Reply("/output", ("soundcard", "lost"))
