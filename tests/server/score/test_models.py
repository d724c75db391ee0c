"""A change of models in a score: written by hand, and recorded live."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from export.bundle.archive import write_bundle
from server.program import main
from server.score.score_file import read_score_file
from tests import mini_bundle
from tests.server.live_server import playing
from tests.server.models.test_load import other, wider
from tests.server.score.test_score import FRAME_S, line, written
from tests.server.test_program import render

LATENCY, RATE, HOP = mini_bundle.LATENCY, mini_bundle.RATE_HZ, mini_bundle.HOP


@pytest.fixture
def media(tmp_path: Path, recording: Path) -> Path:
    write_bundle(tmp_path / "other.bundle", other())
    write_bundle(tmp_path / "wide.bundle", wider())
    (tmp_path / "song.wav").write_bytes(recording.read_bytes())
    return tmp_path


@pytest.mark.parametrize("block", ["1", "13"])
def test_a_model_is_loaded_in_its_frame_at_any_block_size(
    block: str, bundle_path: Path, media: Path
) -> None:
    score = written(
        media / "s.jsonl", line(20 * FRAME_S, "/model/load", "other"), line(0.15, "/level", -3)
    )
    given = ["--media", str(media), "--seconds", "0.5", "--block", block, "--set", "/level=-3"]
    plain = render(bundle_path, media / "x.wav", *given)
    changed = render(bundle_path, media / "y.wav", *given, "--score", str(score))
    first = int(np.flatnonzero((np.abs(changed - plain) > 1e-6).any(axis=1))[0])
    assert 20 * HOP - LATENCY <= first <= 21 * HOP


def test_after_a_model_change_controls_and_decks_of_the_new_model_apply(
    bundle_path: Path, media: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for lines, words in (
        ([line(0, "/latent/4", 1)], "line 1: /latent/4: no such control"),
        ([line(1, "/latent/4", 1), line(0.5, "/model/load", "wide")], ""),
        ([line(0, "/model/load", "other"), line(0, "/deck/a/load", "new")], ""),
        ([line(0, "/model/load", "other"), line(0, "/deck/a/load", "high")], "line 2: /deck/a"),
        ([line(0, "/model/load", "none")], "line 1: /model/load: 'none' is not a bundle"),
        ([line(0, "/model/load", "song.wav")], "line 1: /model/load: bundle"),
    ):
        score = written(media / "s.jsonl", *lines)
        out = media / "x.wav"
        given = ["--bundle", str(bundle_path), "--media", str(media), "--score", str(score)]
        code = main([*given, "--output", f"wav:{out}", "--seconds", "0.2"])
        said = capsys.readouterr().err
        assert (code, out.exists()) == ((2, False) if words else (0, True)), said
        assert words in said
        out.unlink(missing_ok=True)


@pytest.mark.long
def test_a_recorded_model_change_replays_the_same_sound(bundle_path: Path, media: Path) -> None:
    tap, score = media / "tap.npy", media / "take.jsonl"
    command = [sys.executable, "-m", "tests.real.tapped_server", str(tap)]
    with playing(
        bundle_path, "--media", str(media), "--score-out", str(score), command=command
    ) as live:
        live.tell("/level", 0.0)
        assert live.ask("/deck/b/load", "song.wav").address == "/done"
        live.tell("/interp", 0.5)
        live.tell("/walk", 1.0)
        for name in ("wide", "other", "default.bundle"):
            answer = live.ask("/model/load", name)
            assert answer.address == ("/fail" if name == "default.bundle" else "/done")
            live.tell("/latent/1", 1.0)
            live.tell("/interp/style", 0.3)
            live.tell("/slice", 3)
        assert live.ask("/deck/a/load", "new").address == "/done"
        assert live.ask("/quit").address == "/done"
        live.process.wait(timeout=60)
    played = np.load(tap)[:, 0]
    file = read_score_file(score)
    assert [one.arguments for one in file.lines if one.address == "/model/load"] == [
        ("wide",),
        ("other",),
    ]
    again = render(bundle_path, media / "x.wav", "--media", str(media), "--score", str(score))
    again = again[:, 0]
    both = min(len(again), len(played) - LATENCY)
    assert both > RATE
    difference = np.abs(again[:both] - played[LATENCY : LATENCY + both])
    assert difference.max() <= 1e-4, f"in frame {int(difference.argmax()) / HOP}"
