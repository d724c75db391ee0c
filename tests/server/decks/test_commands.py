"""Loads and captures: reported, cancelled, superseded; a deck keeps what it has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pythonosc.osc_message_builder import build_msg

from export.audio.model_input import Captured
from server.controls.replies import Reply
from server.decks.reports import Failed, Finished, Progressed
from server.input.live_input import NO_INPUT, InputError
from tests.server.control_inputs import ControlRig, FakeSender
from tests.server.fakes import fake_deck

HEARD = Captured("capture of a fake", np.zeros(16_000, np.float32), 16_000)


@pytest.fixture
def rig(tmp_path: Path) -> ControlRig:
    for name in ("one.wav", "two.wav"):
        (tmp_path / name).touch()
    return ControlRig(media=tmp_path, playing=False)


def send(rig: ControlRig, address: str, *arguments: str | float) -> None:
    rig.send(build_msg(address, list(arguments)).dgram)


def told(sender: FakeSender, but: str = "/progress") -> list[Reply]:
    return [reply for reply in sender.replies if not reply.address.endswith(but)]


def test_progress_is_reported_to_the_sender_and_to_registered_clients(rig: ControlRig) -> None:
    listening = FakeSender("listening")
    rig.send(build_msg("/notify", 1).dgram, listening)
    send(rig, "/deck/c/load", "one.wav")
    for share in (0.25, 0.2501, 0.5, 1.0):
        rig.decks.take(Progressed(1, share))
    rig.decks.take(Finished(1, fake_deck("one", 0.0)))
    progress = [Reply("/deck/c/progress", (share,)) for share in (0.0, 0.25, 0.5, 1.0)]
    assert rig.sender.replies == [*progress, Reply("/done", ("/deck/c/load", "one.wav"))]
    assert listening.replies[1:] == [*progress, Reply("/deck/c/load", ("one.wav",))]


def test_a_long_file_reports_a_hundred_steps_of_progress(rig: ControlRig) -> None:
    send(rig, "/deck/a/load", "one.wav")
    for window in range(1, 10_001):
        rig.decks.take(Progressed(1, window / 10_000))
    assert len(rig.sender.replies) == 101


@pytest.mark.parametrize("verb", ["load", "capture"])
def test_a_cancelled_load_fails_and_leaves_the_deck_unchanged(rig: ControlRig, verb: str) -> None:
    rig.captured = HEARD
    argument = "one.wav" if verb == "load" else 4.0
    send(rig, f"/deck/b/{verb}", argument)
    send(rig, "/deck/b/cancel")
    assert rig.cancelled == [1]
    assert told(rig.sender) == [
        Reply("/fail", (f"/deck/b/{verb}", "cancelled")),
        Reply("/done", ("/deck/b/cancel", 1)),
    ]
    rig.decks.take(Progressed(1, 0.9))
    rig.decks.take(Finished(1, fake_deck("late", 0.0)))
    rig.decks.take(Failed(1, "late"))
    assert not rig.put and len(told(rig.sender)) == 2


def test_cancelling_an_idle_deck_stops_no_other_load(rig: ControlRig) -> None:
    send(rig, "/deck/a/cancel")
    send(rig, "/deck/a/load", "one.wav")
    send(rig, "/deck/b/cancel")
    assert not rig.cancelled
    assert told(rig.sender) == [
        Reply("/done", ("/deck/a/cancel", 0)),
        Reply("/done", ("/deck/b/cancel", 0)),
    ]
    rig.decks.take(Finished(1, fake_deck("one", 0.0)))
    assert rig.put == [("a", "one")]


@pytest.mark.parametrize(
    ("address", "argument"),
    [("/deck/a/load", "two.wav"), ("/deck/a/load", "low"), ("/deck/a/capture", 2.0)],
)
def test_a_newer_load_cancels_the_older_one_on_the_same_deck_only(
    rig: ControlRig, address: str, argument: str | float
) -> None:
    rig.captured = HEARD
    send(rig, "/deck/a/load", "one.wav")
    send(rig, "/deck/b/load", "one.wav")
    send(rig, address, argument)
    assert rig.cancelled == [1]
    failed = told(rig.sender)[0]
    assert failed.address == "/fail" and "newer" in str(failed.arguments[1])


def test_a_capture_is_encoded_and_loaded_like_a_file(rig: ControlRig) -> None:
    rig.captured = HEARD
    listening = FakeSender("listening")
    rig.send(build_msg("/notify", 1).dgram, listening)
    send(rig, "/deck/d/capture", 1)
    assert rig.submitted == [HEARD]
    rig.decks.take(Finished(1, fake_deck("heard", 0.0)))
    assert rig.put == [("d", "heard")]
    assert told(rig.sender) == [Reply("/done", ("/deck/d/capture", 1.0))]
    assert told(listening)[1:] == [Reply("/deck/d/capture", (1.0,))]


@pytest.mark.parametrize("why", [NO_INPUT, "input 'x' delivers nothing"])
def test_a_capture_that_fails_says_why_and_stops_no_load(rig: ControlRig, why: str) -> None:
    rig.captured = InputError(why)
    send(rig, "/deck/a/load", "one.wav")
    send(rig, "/deck/a/capture", 8.0)
    assert told(rig.sender) == [Reply("/fail", ("/deck/a/capture", why))]
    assert not rig.cancelled


def test_the_error_for_a_missing_input_names_the_options_to_use() -> None:
    assert "--input DEVICE" in NO_INPUT and "--list-devices" in NO_INPUT
