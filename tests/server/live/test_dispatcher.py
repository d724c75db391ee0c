"""The dispatcher: events reach the desk together, queries are answered, loads end in a reply."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from server.controls.events import (
    Dump,
    LoadDeck,
    Notify,
    Panic,
    Play,
    Query,
    Quit,
    SetControl,
    StatusRequest,
    SyncRequest,
    VersionRequest,
)
from server.controls.replies import Reply
from server.decks.media import MediaError, initial_decks
from server.decks.reports import Failed, Finished, Progressed
from server.engine.structure_prior import NO_PRIOR
from tests import mini_bundle
from tests.server.control_inputs import ControlRig
from tests.server.fakes import fake_deck


class Rig(ControlRig):
    def load(self, source: str, deck: str = "a") -> None:
        self.dispatch((LoadDeck(deck, source, reply_to=self.sender),))


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    for name in ("one.wav", "two.wav"):
        (tmp_path / name).touch()
    return Rig(media=tmp_path, playing=False)


def test_events_of_one_packet_are_applied_together(rig: Rig) -> None:
    rig.dispatch((SetControl("/interp", (0.5,)), SetControl("/level", (-3.0,)), Play()))
    state = rig.desk.snapshot()
    assert (state.value("/interp"), state.value("/level"), state.playing) == (0.5, -3.0, True)
    rig.dispatch((Panic(),))
    assert rig.desk.snapshot().panics == 1


@pytest.mark.parametrize(
    ("event", "address"),
    [
        (Query("/level"), "/level"),
        (StatusRequest(), "/status.reply"),
        (VersionRequest(), "/version.reply"),
        (SyncRequest(7), "/synced"),
        (Quit(), "/done"),
        (Notify(1), "/done"),
        (Dump(0), "/done"),
    ],
)
def test_queries_are_answered_to_their_sender(rig: Rig, event: Query, address: str) -> None:
    asked = type(event)(**{**vars(event), "reply_to": rig.sender})
    rig.dispatch((asked,))
    (reply,) = rig.sender.replies
    assert reply.address == address
    rig.dispatch((event,))
    assert len(rig.sender.replies) == 1


def test_a_query_in_one_packet_with_a_value_answers_that_value(rig: Rig) -> None:
    rig.dispatch((SetControl("/level", (-3.0,)), Query("/level", reply_to=rig.sender)))
    assert rig.sender.replies == [Reply("/level", (-3.0,))]


def test_generate_without_a_prior_fails_and_the_rest_of_the_packet_applies(
    tmp_path: Path,
) -> None:
    rig = Rig(media=tmp_path, has_prior=False)
    set_it = SetControl("/generate", (1.0,), reply_to=rig.sender)
    rig.dispatch((set_it, SetControl("/level", (-3.0,))))
    assert rig.sender.replies == [Reply("/fail", ("/generate", NO_PRIOR))]
    state = rig.desk.snapshot()
    assert (state.value("/generate"), state.value("/level")) == (0.0, -3.0)
    rig.dispatch((SetControl("/generate", (1.0,)),))  # from a MIDI knob: nobody to reply to
    assert rig.desk.snapshot().value("/generate") == 0.0


def test_quit_ends_the_program(rig: Rig) -> None:
    rig.dispatch((Quit(reply_to=rig.sender),))
    assert rig.quits == 1


def test_a_library_deck_is_loaded_at_once(rig: Rig) -> None:
    rig.load("high", "b")
    assert rig.put == [("b", "high")]
    assert rig.sender.replies == [Reply("/done", ("/deck/b/load", "high"))]


def test_loading_a_file_is_done_when_it_is_encoded(rig: Rig) -> None:
    rig.load("one.wav")
    assert rig.submitted[0].name == "one.wav"
    rig.decks.take(Progressed(1, 0.5))
    rig.decks.take(Finished(1, fake_deck("one", 0.0)))
    assert rig.put == [("a", "one")]
    assert rig.sender.replies[-1] == Reply("/done", ("/deck/a/load", "one.wav"))


def test_a_file_that_cannot_be_encoded_fails_with_the_reason(rig: Rig) -> None:
    rig.load("one.wav")
    rig.decks.take(Failed(1, "one.wav: silent"))
    assert not rig.put
    assert rig.sender.replies[-1] == Reply("/fail", ("/deck/a/load", "one.wav: silent"))


@pytest.mark.parametrize("source", ["none.wav", "../one.wav", "/etc/passwd"])
def test_loading_a_missing_file_or_one_outside_the_media_folder_fails(
    rig: Rig, source: str
) -> None:
    rig.load(source)
    assert not rig.submitted
    (reply,) = rig.sender.replies
    assert reply.address == "/fail"


def newer_library(rig: Rig) -> None:
    rig.load("low")


def newer_file(rig: Rig) -> None:
    rig.load("two.wav")


@pytest.mark.parametrize("newer", [newer_library, newer_file])
def test_the_newest_load_of_a_deck_wins(rig: Rig, newer: Callable[[Rig], None]) -> None:
    rig.load("one.wav")
    newer(rig)
    rig.decks.take(Finished(1, fake_deck("one", 0.0)))
    assert ("a", "one") not in rig.put
    assert "/fail" in [reply.address for reply in rig.sender.replies]
    rig.load("one.wav", "b")
    rig.decks.take(Finished(len(rig.submitted), fake_deck("one", 0.0)))
    assert rig.put[-1] == ("b", "one")


def test_a_failed_load_does_not_cancel_an_older_one(rig: Rig) -> None:
    rig.load("one.wav")
    rig.load("none.wav")
    rig.decks.take(Finished(1, fake_deck("one", 0.0)))
    assert rig.put == [("a", "one")]


def test_the_first_two_library_decks_are_loaded_by_default(recording: Path) -> None:
    library = mini_bundle.bundle().decks
    assert initial_decks(library, {}) == {"a": "low", "b": "high"}
    assert initial_decks(library, {"a": "high"}) == {"a": "high"}
    assert initial_decks(library, {"b": str(recording)}) == {"b": str(recording)}
    third = initial_decks(library, {"c": "low"})
    assert third == {"a": "low", "b": "high", "c": "low"}
    assert initial_decks({}, {}) == {}


def test_an_initial_deck_that_is_neither_a_file_nor_a_library_deck_is_refused() -> None:
    with pytest.raises(MediaError, match=r"--deck-b: 'x' is neither.*--list-decks"):
        initial_decks(mini_bundle.bundle().decks, {"a": "low", "b": "x"})
