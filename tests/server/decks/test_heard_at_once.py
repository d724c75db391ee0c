"""A deck's recording plays until it is encoded; what it replaced comes back if that fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from export.audio.model_input import Captured
from server.controls.events import AskProgress, CancelDeck, HearDeck, LoadDeck
from server.controls.replies import Reply
from server.decks.commands import CANCELLED, DeckCommands
from server.decks.reports import Failed, Finished, Heard, Progressed
from server.engine.deck import DeckData, Recording, heard_before, unencoded_deck
from tests import mini_bundle, spectral_bundle
from tests.server.control_inputs import FakeSender
from tests.server.fakes import fake_deck

MANIFEST = spectral_bundle.manifest()
TICK = MANIFEST.tick_samples


def recording(level: int = 1000, ticks: int = 20) -> Recording:
    return Recording(np.full((ticks * TICK + 5, 2), level, np.int16), (1.0, 0.0))


class FakeEngine:
    """An engine that keeps its decks, and the names of all that it was given."""

    def __init__(self) -> None:
        self.decks: dict[str, DeckData] = {}
        self.put: list[tuple[str, str, bool]] = []

    def put_deck(self, name: str, deck: DeckData) -> None:
        self.decks[name] = deck
        self.put.append((name, deck.name, deck.is_encoded))


class Stage:
    """Deck commands with a fake engine and a fake encoder."""

    def __init__(self, media: Path) -> None:
        low = replace(mini_bundle.deck("low", 0.2, 1), recording=b"Ogg")
        bundle = replace(spectral_bundle.bundle(), decks={"low": low})
        self.engine = FakeEngine()
        self.submitted: list[Any] = []
        self.cancelled: list[int] = []
        self.sender = FakeSender()
        newest = SimpleNamespace(bundle=bundle, engine=self.engine)
        self.commands = DeckCommands(
            SimpleNamespace(newest=newest),
            media,
            lambda bundle, report: self,
            lambda seconds: Captured("live", np.zeros(9, np.float32), 9),
            lambda reply, sender: None,
        )

    def submit(self, source: Any) -> int:
        self.submitted.append(source)
        return len(self.submitted)

    def cancel(self, ticket: int) -> None:
        self.cancelled.append(ticket)

    def stop(self) -> None:
        """Act as the encoder."""

    def do(self, event: Any) -> list[Reply]:
        """Carry out ``event``; return the replies but progress."""
        self.sender.replies.clear()
        self.commands.handlers()[type(event)](replace(event, reply_to=self.sender))
        return [one for one in self.sender.replies if not one.address.endswith("progress")]

    def load(self, source: str) -> None:
        assert not self.do(LoadDeck("a", source))

    def hear(self, ticket: int, name: str = "song", is_whole: bool = True) -> None:
        self.commands.take(Heard(ticket, name, recording(), -7.5, is_whole))


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    for name in ("song.wav", "other.wav"):
        (tmp_path / name).touch()
    return Stage(tmp_path)


def test_a_file_is_heard_in_part_then_whole_then_encoded(stage: Stage) -> None:
    stage.load("song.wav")
    assert stage.commands.awaits_sound
    stage.hear(1, is_whole=False)
    assert not stage.commands.awaits_sound
    heard = stage.engine.decks["a"]
    assert (heard.source, heard.gain_db, heard.is_encoded) == ("song.wav", -7.5, False)
    assert heard.recording is not None and heard.structure.shape == (MANIFEST.structure_dims, 20)
    stage.hear(1)
    assert not [one for one in stage.sender.replies if one.address == "/done"]
    stage.commands.take(Finished(1, fake_deck("song", 0.0)))
    assert stage.engine.put == [("a", "song", False), ("a", "song", False), ("a", "song", True)]
    assert stage.sender.replies[-1] == Reply("/done", ("/deck/a/load", "song.wav"))


def test_a_library_deck_with_a_recording_goes_the_same_way(stage: Stage) -> None:
    stage.load("low")
    assert [source.slug for source in stage.submitted] == ["low"]
    stage.hear(1, "low")
    stage.commands.take(Finished(1, fake_deck("low", 0.0)))
    assert stage.engine.put == [("a", "low", False), ("a", "low", True)]
    assert stage.engine.decks["a"].source == "low"


@pytest.mark.parametrize("way", ["fails", "is cancelled"])
def test_the_deck_from_before_comes_back_when_a_load(stage: Stage, way: str) -> None:
    stage.engine.decks["a"] = before = fake_deck("before", 0.0)
    stage.load("song.wav")
    stage.hear(1, is_whole=False)
    stage.hear(1)
    if way == "fails":
        stage.commands.take(Failed(1, "song.wav: holds NaN"))
        assert stage.sender.replies[-1] == Reply("/fail", ("/deck/a/load", "song.wav: holds NaN"))
    else:
        replies = stage.do(CancelDeck("a"))
        assert replies[0] == Reply("/fail", ("/deck/a/load", CANCELLED))
        assert stage.cancelled == [1]
    assert stage.engine.decks["a"] is before


@pytest.mark.parametrize("is_heard", [True, False])
def test_after_a_newer_load_failed_too_the_encoded_deck_comes_back(
    stage: Stage, is_heard: bool
) -> None:
    stage.engine.decks["a"] = before = fake_deck("before", 0.0)
    stage.load("song.wav")
    stage.hear(1)
    stage.do(LoadDeck("a", "other.wav"))
    assert stage.engine.decks["a"].name == "song"  # until the newer one can be heard
    if is_heard:
        stage.hear(2, "other")
    stage.commands.take(Failed(2, "other.wav: no"))
    assert stage.engine.decks["a"] is before


def test_an_empty_deck_is_silent_when_its_first_load_fails(stage: Stage) -> None:
    stage.load("song.wav")
    stage.hear(1)
    stage.commands.take(Failed(1, "song.wav: no"))
    silent = stage.engine.decks["a"]
    assert silent.recording is not None and not silent.recording.pcm.any()
    assert not silent.source


def test_a_load_that_fails_unheard_changes_nothing(stage: Stage) -> None:
    stage.engine.decks["a"] = before = fake_deck("before", 0.0)
    stage.load("song.wav")
    stage.commands.take(Failed(1, "song.wav: no"))
    assert stage.engine.decks["a"] is before and not stage.engine.put


def test_progress_can_be_asked(stage: Stage) -> None:
    def share(deck: str) -> object:
        assert not stage.do(AskProgress(deck))
        (reply,) = stage.sender.replies
        assert reply.address == f"/deck/{deck}/progress"
        return reply.arguments[0]

    stage.engine.decks["b"] = fake_deck("b", 0.0)
    stage.load("song.wav")
    assert [share(deck) for deck in "abc"] == [0.0, 1.0, 0.0]
    stage.commands.take(Progressed(1, 0.625))
    assert share("a") == 0.625
    stage.commands.take(Finished(1, fake_deck("song", 0.0)))
    assert share("a") == 1.0


def test_hearing_alone_is_for_scores(stage: Stage) -> None:
    (reply,) = stage.do(HearDeck("a", "song.wav", 0.0))
    assert reply.address == "/fail" and "/deck/a/load" in str(reply.arguments[1])
    assert not stage.engine.put


def test_after_a_restart_what_was_only_heard_is_encoded(stage: Stage, tmp_path: Path) -> None:
    live = Captured("live", np.zeros(9, np.float32), 9)
    heard = unencoded_deck("x", recording(), MANIFEST)
    stage.engine.decks = {
        "a": replace(heard, source="song.wav"),
        "b": replace(heard, source="low"),
        "c": replace(heard, captured=live),
        "d": fake_deck("whole", 0.0),
    }
    failures: list[tuple[str, str | None]] = []
    stage.commands.resume(lambda deck, failure: failures.append((deck, failure)))
    file, library, capture = stage.submitted
    assert (file, library.slug, capture) == (tmp_path / "song.wav", "low", live)
    stage.commands.take(Finished(1, fake_deck("song", 0.0)))
    stage.commands.take(Failed(2, "no"))
    assert failures == [("a", None), ("b", "no")]
    assert stage.engine.decks["a"].source == "song.wav"


def test_a_score_hears_the_recording_at_the_gain_it_was_heard_with() -> None:
    deck = replace(
        fake_deck("x", 0.0, ticks=20, recording=recording()), gain_db=-3.0, source="x.wav"
    )
    same, louder = (heard_before(deck, gain_db, MANIFEST) for gain_db in (-3.0, 3.0))
    assert same is not None and louder is not None
    assert same.recording is deck.recording and not same.is_encoded
    assert louder.recording is not None and louder.recording.mid == (1.0, 0.0)
    np.testing.assert_allclose(louder.recording.pcm, 1000 * 10 ** (6 / 20), atol=1)
    assert heard_before(fake_deck("y", 0.0), 0.0, MANIFEST) is None
