"""Loads and captures: reported, cancelled, superseded; a deck keeps what it has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pythonosc.osc_message_builder import build_msg

from export.audio.model_input import Captured
from server.controls.replies import Reply
from server.decks.encoder_worker import Failed, Finished, Progressed
from server.input.live_input import NO_INPUT, InputError
from tests.server.control_inputs import FakeSender, Hands
from tests.server.fakes import fake_deck

HEARD = Captured("capture of a fake", np.zeros(16_000, np.float32), 16_000)


@pytest.fixture
def hands(tmp_path: Path) -> Hands:
    for name in ("one.wav", "two.wav"):
        (tmp_path / name).touch()
    return Hands(media=tmp_path, playing=False)


def send(hands: Hands, address: str, *arguments: str | float) -> None:
    hands.send(build_msg(address, list(arguments)).dgram)


def told(sender: FakeSender, but: str = "/progress") -> list[Reply]:
    return [reply for reply in sender.replies if not reply.address.endswith(but)]


def test_progress_is_told_to_who_asked_and_to_who_listens(hands: Hands) -> None:
    listening = FakeSender("listening")
    hands.send(build_msg("/notify", 1).dgram, listening)
    send(hands, "/deck/c/load", "one.wav")
    for share in (0.25, 0.2501, 0.5, 1.0):
        hands.decks.take(Progressed(1, share))
    hands.decks.take(Finished(1, fake_deck("one", 0.0)))
    progress = [Reply("/deck/c/progress", (share,)) for share in (0.0, 0.25, 0.5, 1.0)]
    assert hands.sender.replies == [*progress, Reply("/done", ("/deck/c/load", "one.wav"))]
    assert listening.replies[1:] == [*progress, Reply("/deck/c/load", ("one.wav",))]


def test_a_long_file_tells_a_hundred_steps_and_no_more(hands: Hands) -> None:
    send(hands, "/deck/a/load", "one.wav")
    for window in range(1, 10_001):
        hands.decks.take(Progressed(1, window / 10_000))
    assert len(hands.sender.replies) == 101


@pytest.mark.parametrize("verb", ["load", "capture"])
def test_a_cancelled_load_fails_and_the_deck_keeps_what_it_has(hands: Hands, verb: str) -> None:
    hands.captured = HEARD
    argument = "one.wav" if verb == "load" else 4.0
    send(hands, f"/deck/b/{verb}", argument)
    send(hands, "/deck/b/cancel")
    assert hands.cancelled == [1]
    assert told(hands.sender) == [
        Reply("/fail", (f"/deck/b/{verb}", "cancelled")),
        Reply("/done", ("/deck/b/cancel", 1)),
    ]
    hands.decks.take(Progressed(1, 0.9))
    hands.decks.take(Finished(1, fake_deck("late", 0.0)))
    hands.decks.take(Failed(1, "late"))
    assert not hands.put and len(told(hands.sender)) == 2


def test_cancelling_nothing_and_another_deck_stops_nothing(hands: Hands) -> None:
    send(hands, "/deck/a/cancel")
    send(hands, "/deck/a/load", "one.wav")
    send(hands, "/deck/b/cancel")
    assert not hands.cancelled
    assert told(hands.sender) == [
        Reply("/done", ("/deck/a/cancel", 0)),
        Reply("/done", ("/deck/b/cancel", 0)),
    ]
    hands.decks.take(Finished(1, fake_deck("one", 0.0)))
    assert hands.put == [("a", "one")]


@pytest.mark.parametrize(
    ("address", "argument"),
    [("/deck/a/load", "two.wav"), ("/deck/a/load", "low"), ("/deck/a/capture", 2.0)],
)
def test_what_is_newer_cancels_what_is_older_on_the_same_deck_only(
    hands: Hands, address: str, argument: str | float
) -> None:
    hands.captured = HEARD
    send(hands, "/deck/a/load", "one.wav")
    send(hands, "/deck/b/load", "one.wav")
    send(hands, address, argument)
    assert hands.cancelled == [1]
    failed = told(hands.sender)[0]
    assert failed.address == "/fail" and "newer" in str(failed.arguments[1])


def test_a_capture_goes_the_way_of_a_file(hands: Hands) -> None:
    hands.captured = HEARD
    listening = FakeSender("listening")
    hands.send(build_msg("/notify", 1).dgram, listening)
    send(hands, "/deck/d/capture", 1)
    assert hands.submitted == [HEARD]
    hands.decks.take(Finished(1, fake_deck("heard", 0.0)))
    assert hands.put == [("d", "heard")]
    assert told(hands.sender) == [Reply("/done", ("/deck/d/capture", 1.0))]
    assert told(listening)[1:] == [Reply("/deck/d/capture", (1.0,))]


@pytest.mark.parametrize("why", [NO_INPUT, "input 'x' delivers nothing"])
def test_a_capture_that_cannot_be_says_why_and_stops_no_load(hands: Hands, why: str) -> None:
    hands.captured = InputError(why)
    send(hands, "/deck/a/load", "one.wav")
    send(hands, "/deck/a/capture", 8.0)
    assert told(hands.sender) == [Reply("/fail", ("/deck/a/capture", why))]
    assert not hands.cancelled


def test_without_an_input_it_says_what_to_do() -> None:
    assert "--input DEVICE" in NO_INPUT and "--list-devices" in NO_INPUT
