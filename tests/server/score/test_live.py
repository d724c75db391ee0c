"""A score played live gives the same samples as rendered to a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from server.program import main
from tests import mini_bundle
from tests.server.live_server import playing
from tests.server.score.test_score import line, written
from tests.server.test_program import render

LATENCY = mini_bundle.LATENCY


def played(bundle: Path, recorded: Path, *arguments: str) -> np.ndarray:
    """The samples that a live server gives to its output."""
    usual = ["--output", "null", "--osc", "none", "--midi", "none", "--record", str(recorded)]
    assert main(["--bundle", str(bundle), *usual, *arguments]) == 0
    return np.asarray(soundfile.read(recorded, dtype="float32")[0])


def test_live_playing_and_file_rendering_give_the_same_samples(
    bundle_path: Path, recording: Path, tmp_path: Path
) -> None:
    score = written(
        tmp_path / "s.jsonl",
        line(0.0, "/interp", 0.25),
        line(0.11, "/gesture/random"),
        line(0.2, "/gesture/flatten"),
        line(0.3, "/walk", 1),
        line(0.4, "/deck/b/load", recording.name),
        line(0.4, "/deck/b/bypass", 1),
        line(0.5, "/stop"),
        line(0.6, "/panic"),
        line(0.7, "/play"),
        line(0.8, "/slice", 9),
    )
    given = ["--score", str(score), "--block", "4", "--seconds", "1"]
    given += ["--media", str(recording.parent), "--set", "/level=-3"]
    live = played(bundle_path, tmp_path / "live.wav", *given)[LATENCY:]
    file = render(bundle_path, tmp_path / "x.wav", *given)
    both = min(len(live), len(file))
    assert both > 0.9 * mini_bundle.RATE_HZ
    # A file has 24 bits; the deck is loaded at the start of a block.
    np.testing.assert_allclose(live[:both], file[:both], atol=1e-6)


def test_osc_works_while_a_score_plays_and_clients_are_notified_of_its_changes(
    bundle_path: Path, tmp_path: Path
) -> None:
    score = written(
        tmp_path / "s.jsonl", line(1.0, "/level", -7), line(1.2, "/deck/a/load", "high")
    )
    with playing(bundle_path, "--score", str(score)) as server:
        assert next(iter(server.ask("/notify", 1))) == "/notify"
        told: dict[str, Any] = {}
        while "/deck/a/load" not in told:
            message = server.receive()
            told[message.address] = list(message)
        assert told == {"/level": [-7.0], "/deck/a/load": ["high"]}
        assert list(server.ask("/level")) == [-7.0]


@pytest.mark.parametrize("deck", ["a", "c"])
def test_an_impossible_bypass_fails_live_too(
    deck: str, bundle_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    usual = ["--output", "null", "--osc", "none", "--midi", "none", "--seconds", "20"]
    bypass = ["--set", f"/deck/{deck}/bypass=1"]
    assert main(["--bundle", str(bundle_path), *usual, *bypass]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"/deck/{deck}/bypass: " in said


def test_a_bad_score_fails_live_too_with_one_line_and_exit_code_2(
    bundle_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    score = written(tmp_path / "s.jsonl", json.dumps({"t": 0, "address": "/nope"}))
    usual = ["--output", "null", "--osc", "none", "--midi", "none", "--seconds", "20"]
    assert main(["--bundle", str(bundle_path), *usual, "--score", str(score)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "line 1: /nope: no such control" in said
