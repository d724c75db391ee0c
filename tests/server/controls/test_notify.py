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
from tests.server.control_inputs import FRAME_S, FakeSender, Hands, at


@pytest.fixture
def hands() -> Hands:
    return Hands()


def entered(hands: Hands, name: str = "x") -> FakeSender:
    sender = FakeSender(name)
    hands.send(build_msg("/notify", 1).dgram, sender)
    (reply,) = sender.replies
    assert (reply.address, reply.arguments[0]) == ("/done", "/notify")
    sender.replies.clear()
    return sender


def told(sender: FakeSender) -> list[Reply]:
    said, sender.replies = sender.replies, []
    return said


def test_others_are_told_and_who_made_it_is_not(hands: Hands) -> None:
    one, two = entered(hands), entered(hands)
    hands.send(build_msg("/level", -3.0).dgram, one)
    hands.pass_time()
    assert (told(one), told(two)) == ([], [Reply("/level", (-3.0,))])


def test_who_asks_again_keeps_its_number_and_who_leaves_hears_no_more(hands: Hands) -> None:
    one, two = FakeSender(), FakeSender()
    for sender, on in ((one, 1), (two, 1), (one, 1), (two, 0), (two, 0)):
        hands.send(build_msg("/notify", on).dgram, sender)
    assert [reply.arguments for reply in one.replies] == [("/notify", 0)] * 2
    assert [reply.arguments[1] for reply in two.replies] == [1, 1, -1]
    two.replies.clear()
    hands.send(build_msg("/level", -3.0).dgram, FakeSender())
    hands.pass_time()
    assert two.replies == [] and len(one.replies) == 3


def test_a_knob_is_told_to_all(hands: Hands) -> None:
    one = entered(hands)
    move = Move(Knob("knobs", 0, "cc", 1), 127, 127)
    ActiveMappings(hands.desk, hands.dispatch).take([move])
    hands.pass_time()
    assert told(one) == [
        Reply("/interp", (1.0,)),
        Reply("/interp/xy", (1.0, 0.0)),
        Reply("/interp/style", (1.0,)),
        Reply("/interp/structure", (1.0,)),
    ]


def test_notes_are_told_to_all_but_who_played_them(hands: Hands) -> None:
    one, two = entered(hands), entered(hands)
    for velocity in (100, 0):
        hands.send(build_msg("/note", [40, velocity]).dgram, one)
    assert (told(one), told(two)) == ([], [Reply("/note", (40, 100)), Reply("/note", (40, 0))])


def test_a_list_is_told_by_its_parts_and_a_shortcut_with_what_it_answers(hands: Hands) -> None:
    one = entered(hands)
    hands.send(build_msg("/latent", [0.0, 2.0, 1.0]).dgram, FakeSender())
    hands.send(build_msg("/interp/structure", 0.5).dgram, FakeSender())
    hands.pass_time()
    assert told(one) == [
        Reply("/interp/structure", (0.5,)),
        Reply("/latent/1", (2.0,)),
        Reply("/latent/2", (1.0,)),
    ]


def test_a_name_and_its_number_are_told_of_each_other() -> None:
    hands = Hands(table=control_table(mini_bundle.STYLE_DIMS, ["bright"]))
    one = entered(hands)
    hands.send(build_msg("/named/bright", 2.0).dgram, FakeSender())
    hands.pass_time()
    assert {reply.address for reply in told(one)} == {"/latent/0", "/named/bright"}


def test_many_changes_are_told_once_with_the_newest_value(hands: Hands) -> None:
    one, two = entered(hands), entered(hands)
    for value in (-1.0, -2.0, -3.0):
        hands.send(build_msg("/level", value).dgram, one)
    hands.send(build_msg("/level", -4.0).dgram, two)
    assert len(hands.due) == 1
    hands.pass_time()
    assert (told(one), told(two)) == ([Reply("/level", (-4.0,))], [])


def test_a_value_that_stays_is_not_told(hands: Hands) -> None:
    one = entered(hands)
    hands.dispatch((SetControl("/level", (-12.0,)),))
    hands.pass_time()
    assert told(one) == []


def test_the_transport_is_told(hands: Hands) -> None:
    one = entered(hands)
    for address, expected in (
        ("/stop", ["/stop"]),
        ("/stop", []),
        ("/play", ["/play"]),
        ("/panic", ["/panic", "/stop"]),
    ):
        hands.send(build_msg(address).dgram, FakeSender())
        hands.pass_time()
        assert [reply.address for reply in told(one)] == expected


def test_a_change_at_its_time_is_told_then(hands: Hands) -> None:
    one, two = entered(hands), entered(hands)
    hands.send(at(hands.now_s + 10 * FRAME_S, ("/level", -3.0)), one)
    hands.pass_time()
    assert (told(one), told(two)) == ([], [])
    hands.render(16)
    hands.pass_time()
    assert (told(one), told(two)) == ([], [Reply("/level", (-3.0,))])


def test_a_deck_that_was_loaded_is_told(hands: Hands) -> None:
    one, two = entered(hands), entered(hands)
    hands.send(build_msg("/deck/a/load", "low").dgram, one)
    assert told(one) == [Reply("/done", ("/deck/a/load", "low"))]
    assert told(two) == [Reply("/deck/a/load", ("low",))]


def test_the_silent_are_dropped_and_any_message_renews(hands: Hands) -> None:
    silent, lively = entered(hands), entered(hands)
    hands.now_s += 0.6 * PATIENCE_S
    hands.send(build_msg("/sync", 1).dgram, lively)
    hands.now_s += 0.6 * PATIENCE_S
    lively.replies.clear()
    hands.dispatch((SetControl("/level", (-3.0,)),))
    hands.pass_time()
    assert (told(silent), len(told(lively)), hands.notifier.clients) == ([], 1, 1)


def test_who_has_disconnected_is_dropped(hands: Hands) -> None:
    one = entered(hands)
    one.gone = True
    hands.dispatch((SetControl("/level", (-3.0,)),))
    hands.pass_time()
    assert (told(one), hands.notifier.clients) == ([], 0)


def test_one_too_many_is_refused_until_one_has_gone(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "MAX_CLIENTS", 2)
    one, _ = entered(hands), entered(hands)
    late = FakeSender()
    hands.send(build_msg("/notify", 1).dgram, late)
    (reply,) = told(late)
    assert reply.address == "/fail" and "at most 2 clients" in str(reply.arguments[1])
    one.gone = True
    entered(hands)


def test_with_nobody_to_tell_nothing_is_put_off(hands: Hands) -> None:
    hands.dispatch((SetControl("/level", (-3.0,)),))
    assert hands.due == []
    one = entered(hands)
    hands.dispatch((SetControl("/mute", (1.0,)),))
    hands.pass_time()
    assert told(one) == [Reply("/mute", (1,))]
