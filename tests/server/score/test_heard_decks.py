"""A deck that was heard before it was encoded is so again when its score is played."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from server.controls.desk import Desk
from server.controls.events import HearDeck, LoadDeck
from server.controls.table import control_table
from server.engine.deck import Recording, unencoded_deck
from server.engine.runtime import RuntimeOptions
from server.models.default import open_bundle
from server.score.prepared_decks import prepare_decks
from server.score.score import open_score
from server.score.score_file import ScoreError
from tests import mini_bundle
from tests.server.control_inputs import FRAME_S, ControlRig
from tests.server.fakes import fake_deck


def test_the_score_says_when_a_deck_was_only_heard_and_when_it_was_encoded(tmp_path: Path) -> None:
    rig = ControlRig(media=tmp_path)
    rig.recorder.begin(tmp_path / "take.jsonl")
    rig.render(4)
    heard = unencoded_deck("song", Recording(np.zeros((5000, 2), np.int16)), mini_bundle.manifest())
    rig.engine.put_deck("a", replace(heard, source="song.wav", gain_db=-7.25))
    rig.render(8)
    rig.engine.put_deck("a", replace(fake_deck("song", 0.0), source="song.wav"))
    rig.render(4)
    rig.recorder.close()
    lines = [json.loads(line) for line in (tmp_path / "take.jsonl").read_text().splitlines()]
    loads = [line for line in lines if str(line.get("address")).startswith("/deck/a/")]
    times_s = [round(frames * FRAME_S, 6) for frames in (4, 12)]
    assert loads == [
        {"t": times_s[0], "address": "/deck/a/hear", "args": ["song.wav", -7.25]},
        {"t": times_s[1], "address": "/deck/a/load", "args": ["song.wav"]},
    ]


def score_of(folder: Path, *changes: tuple[float, str, list[object]]) -> Path:
    path = folder / "s.jsonl"
    lines = ({"t": t, "address": address, "args": args} for t, address, args in changes)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_both_are_ready_before_the_score_plays(
    bundle_path: Path, recording: Path, tmp_path: Path
) -> None:
    bundle = open_bundle(bundle_path)
    table = control_table(bundle.manifest.style_dims, bundle.names)
    source = str(recording)
    path = score_of(
        tmp_path, (0.0, "/deck/a/hear", [source, -30.0]), (0.5, "/deck/a/load", [source])
    )
    score = open_score(path, Desk(table, playing=True).table, {})
    prepared = prepare_decks(bundle, {}, RuntimeOptions("cpu"), score).prepared_score
    events = [event for step in score.steps for event in step.events]
    assert [type(event) for event in events] == [HearDeck, LoadDeck]
    heard, encoded = (prepared.decks[id(event)] for event in events)
    assert (heard.is_encoded, encoded.is_encoded) == (False, True)
    assert heard.recording is not None and encoded.recording is not None
    ratio = 10 ** ((-30.0 - encoded.gain_db) / 20)
    np.testing.assert_allclose(heard.recording.pcm, encoded.recording.pcm * ratio, atol=1)


def test_a_library_deck_without_recording_cannot_be_heard(
    bundle_path: Path, tmp_path: Path
) -> None:
    bundle = open_bundle(bundle_path)
    path = score_of(tmp_path, (0.0, "/deck/a/hear", ["low", 0.0]))
    table = control_table(bundle.manifest.style_dims, bundle.names)
    score = open_score(path, Desk(table, playing=True).table, {})
    with pytest.raises(ScoreError, match="low has no recording"):
        prepare_decks(bundle, {}, RuntimeOptions("cpu"), score)
