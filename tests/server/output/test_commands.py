"""Output commands are answered, and changes of the output are reported."""

from __future__ import annotations

import pytest
from pythonosc.osc_message_builder import build_msg

from server.controls.replies import Reply
from server.output.choice import OutputChoice
from server.output.commands import OutputCommands
from tests.server.control_inputs import ControlRig, FakeLive, FakeSender


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["mp3:x"], "is not an output"),
        (["wav:x"], "not a live output"),
        (["soundcard:"], "nothing may follow"),
        (["null", "null"], "2 arguments"),
    ],
)
def test_an_output_that_cannot_play_live_is_refused(names: list[str], words: str) -> None:
    rig = ControlRig()
    rig.send(build_msg("/output", names).dgram)
    (reply,) = rig.sender.replies
    assert (reply.address, reply.arguments[0]) == ("/fail", "/output")
    assert words in str(reply.arguments[1])
    assert rig.live.choice == OutputChoice()


def test_an_output_that_cannot_be_opened_fails_with_the_reason() -> None:
    rig = ControlRig()
    rig.live.failure = "no sound card 'x'; there are: 0 y"
    rig.send(build_msg("/output", "soundcard:x").dgram)
    assert rig.sender.replies == [Reply("/fail", ("/output", rig.live.failure))]


def test_clients_are_notified_of_a_lost_card() -> None:
    rig, live, listener = ControlRig(), FakeLive(), FakeSender("listener")
    rig.send(build_msg("/notify", 1).dgram, listener)
    outputs = OutputCommands(live, rig.notifier.notify, lambda call: call())
    live.state = "lost"
    outputs.report()
    assert listener.replies[-1] == Reply("/output", ("soundcard", "lost"))
