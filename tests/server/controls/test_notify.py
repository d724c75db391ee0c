"""Registered clients are notified of every change but their own; those gone are dropped."""

from __future__ import annotations

import pytest
from pythonosc.osc_message_builder import build_msg

from server.controls import notify
from server.controls.events import SetControl
from server.controls.notify import PATIENCE_S
from server.controls.replies import Reply
from server.controls.table import control_table
from server.midi.decode.moves import Knob, Move
from server.midi.mappings.active_mappings import ActiveMappings
from tests import mini_bundle
from tests.server.control_inputs import FRAME_S, ControlRig, FakeSender, at


@pytest.fixture
def rig() -> ControlRig:
    return ControlRig()


def entered(rig: ControlRig, name: str = "x") -> FakeSender:
    sender = FakeSender(name)
    rig.send(build_msg("/notify", 1).dgram, sender)
    (reply,) = sender.replies
    assert (reply.address, reply.arguments[0]) == ("/done", "/notify")
    sender.replies.clear()
    return sender


def told(sender: FakeSender) -> list[Reply]:
    said, sender.replies = sender.replies, []
    return said


def test_all_clients_but_the_sender_are_notified_of_a_change(rig: ControlRig) -> None:
    one, two = entered(rig), entered(rig)
    rig.send(build_msg("/level", -3.0).dgram, one)
    rig.pass_time()
    assert (told(one), told(two)) == ([], [Reply("/level", (-3.0,))])


def test_a_client_that_registers_again_keeps_its_number_and_one_that_leaves_gets_no_more(
    rig: ControlRig,
) -> None:
    one, two = FakeSender(), FakeSender()
    for sender, on in ((one, 1), (two, 1), (one, 1), (two, 0), (two, 0)):
        rig.send(build_msg("/notify", on).dgram, sender)
    assert [reply.arguments for reply in one.replies] == [("/notify", 0)] * 2
    assert [reply.arguments[1] for reply in two.replies] == [1, 1, -1]
    two.replies.clear()
    rig.send(build_msg("/level", -3.0).dgram, FakeSender())
    rig.pass_time()
    assert two.replies == [] and len(one.replies) == 3


def test_all_clients_are_notified_of_a_knob(rig: ControlRig) -> None:
    one = entered(rig)
    move = Move(Knob("knobs", 0, "cc", 1), 127, 127)
    ActiveMappings(rig.desk, rig.dispatch).take([move])
    rig.pass_time()
    assert told(one) == [
        Reply("/interp", (1.0,)),
        Reply("/interp/xy", (1.0, 0.0)),
        Reply("/interp/style", (1.0,)),
        Reply("/interp/structure", (1.0,)),
    ]


def test_all_clients_but_the_sender_are_notified_of_notes(rig: ControlRig) -> None:
    one, two = entered(rig), entered(rig)
    for velocity in (100, 0):
        rig.send(build_msg("/note", [40, velocity]).dgram, one)
    assert (told(one), told(two)) == ([], [Reply("/note", (40, 100)), Reply("/note", (40, 0))])


def test_a_list_is_reported_by_its_parts_and_a_shortcut_by_its_values(rig: ControlRig) -> None:
    one = entered(rig)
    rig.send(build_msg("/latent", [0.0, 2.0, 1.0]).dgram, FakeSender())
    rig.send(build_msg("/interp/structure", 0.5).dgram, FakeSender())
    rig.pass_time()
    assert told(one) == [
        Reply("/interp/structure", (0.5,)),
        Reply("/latent/1", (2.0,)),
        Reply("/latent/2", (1.0,)),
    ]


def test_a_named_control_is_reported_by_name_and_by_number() -> None:
    rig = ControlRig(table=control_table(mini_bundle.STYLE_DIMS, ["bright"]))
    one = entered(rig)
    rig.send(build_msg("/named/bright", 2.0).dgram, FakeSender())
    rig.pass_time()
    assert {reply.address for reply in told(one)} == {"/latent/0", "/named/bright"}


def test_many_changes_are_reported_once_with_the_newest_value(rig: ControlRig) -> None:
    one, two = entered(rig), entered(rig)
    for value in (-1.0, -2.0, -3.0):
        rig.send(build_msg("/level", value).dgram, one)
    rig.send(build_msg("/level", -4.0).dgram, two)
    assert len(rig.due) == 1
    rig.pass_time()
    assert (told(one), told(two)) == ([Reply("/level", (-4.0,))], [])


def test_an_unchanged_value_is_not_reported(rig: ControlRig) -> None:
    one = entered(rig)
    rig.dispatch((SetControl("/level", (-12.0,)),))
    rig.pass_time()
    assert told(one) == []


def test_clients_are_notified_of_the_transport(rig: ControlRig) -> None:
    one = entered(rig)
    for address, expected in (
        ("/stop", ["/stop"]),
        ("/stop", []),
        ("/play", ["/play"]),
        ("/panic", ["/panic", "/stop"]),
    ):
        rig.send(build_msg(address).dgram, FakeSender())
        rig.pass_time()
        assert [reply.address for reply in told(one)] == expected


def test_a_scheduled_change_is_reported_when_it_happens(rig: ControlRig) -> None:
    one, two = entered(rig), entered(rig)
    rig.send(at(rig.now_s + 10 * FRAME_S, ("/level", -3.0)), one)
    rig.pass_time()
    assert (told(one), told(two)) == ([], [])
    rig.render(16)
    rig.pass_time()
    assert (told(one), told(two)) == ([], [Reply("/level", (-3.0,))])


def test_clients_are_notified_of_a_loaded_deck(rig: ControlRig) -> None:
    one, two = entered(rig), entered(rig)
    rig.send(build_msg("/deck/a/load", "low").dgram, one)
    assert told(one) == [Reply("/done", ("/deck/a/load", "low"))]
    assert told(two) == [Reply("/deck/a/load", ("low",))]


def test_silent_clients_are_dropped_and_any_message_keeps_a_client(rig: ControlRig) -> None:
    silent, lively = entered(rig), entered(rig)
    rig.now_s += 0.6 * PATIENCE_S
    rig.send(build_msg("/sync", 1).dgram, lively)
    rig.now_s += 0.6 * PATIENCE_S
    lively.replies.clear()
    rig.dispatch((SetControl("/level", (-3.0,)),))
    rig.pass_time()
    assert (told(silent), len(told(lively)), rig.notifier.clients) == ([], 1, 1)


def test_a_disconnected_client_is_dropped(rig: ControlRig) -> None:
    one = entered(rig)
    one.gone = True
    rig.dispatch((SetControl("/level", (-3.0,)),))
    rig.pass_time()
    assert (told(one), rig.notifier.clients) == ([], 0)


def test_one_client_too_many_is_refused_until_another_has_gone(
    rig: ControlRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "MAX_CLIENTS", 2)
    one, _ = entered(rig), entered(rig)
    late = FakeSender()
    rig.send(build_msg("/notify", 1).dgram, late)
    (reply,) = told(late)
    assert reply.address == "/fail" and "at most 2 clients" in str(reply.arguments[1])
    one.gone = True
    entered(rig)


def test_without_clients_no_notification_is_scheduled(rig: ControlRig) -> None:
    rig.dispatch((SetControl("/level", (-3.0,)),))
    assert rig.due == []
    one = entered(rig)
    rig.dispatch((SetControl("/mute", (1.0,)),))
    rig.pass_time()
    assert told(one) == [Reply("/mute", (1,))]
