"""Scores: errors with their place, and changes applied in their frame."""

from __future__ import annotations

import json
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server.controls.desk import Desk
from server.controls.events import Event
from server.controls.sample_clock import SampleClock
from server.controls.table import control_table
from server.controls.timeline import Timeline
from server.program import main
from server.score.player import ScoreEvent, score_events
from server.score.score import open_score
from server.score.score_file import ScoreError
from tests import mini_bundle
from tests.server.test_program import render

HOP, RATE, LATENCY = mini_bundle.HOP, mini_bundle.RATE_HZ, mini_bundle.LATENCY
FRAME_S = HOP / RATE
TABLE = control_table(mini_bundle.STYLE_DIMS)


@pytest.fixture(autouse=True)
def no_side_effects() -> Iterator[None]:
    """Restore the signal handler that ``main`` replaces."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def line(time_s: float, address: str, *arguments: Any) -> str:
    return json.dumps({"t": time_s, "address": address, "args": list(arguments)})


def written(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{one}\n" for one in lines))
    return path


GOOD = line(0, "/interp", 0.5)

BAD_LINES = [
    ("nothing", "is not a JSON object"),
    ("[1, 2]", "is not a JSON object"),
    ('{"t": NaN, "address": "/interp", "args": [1]}', "is not a JSON object"),
    ("[" * 100_000, "is not a JSON object"),
    ('{"t": 0, "adress": "/interp", "args": [1]}', "adress is unknown"),
    ('{"t": 0, "args": [1]}', "address is None"),
    ('{"t": 0, "address": 7, "args": [1]}', "address is 7"),
    ('{"t": 0, "address": "/interp", "args": 1}', "args is 1; expected a list"),
    ('{"t": 0, "address": "/interp", "args": [null]}', "None in args"),
    ('{"t": 0, "address": "/interp", "args": [{}]}', "dict in args"),
    ('{"t": 0, "address": "/deck/a/load", "args": ["\\ud800"]}', "in args"),
    ('{"t": 0, "address": "/interp", "args": [%s]}' % ("9" * 400), "in args"),
    ('{"t": 0, "address": "/interp", "args": [1e999]}', "out of range"),
    ('{"address": "/interp", "args": [1]}', "t is None; expected 0 to 21600 seconds"),
    ('{"t": -0.1, "address": "/interp", "args": [1]}', "t is -0.1"),
    ('{"t": 1e999, "address": "/interp", "args": [1]}', "t is inf"),
    ('{"t": true, "address": "/interp", "args": [1]}', "t is True"),
    ('{"t": "1", "address": "/interp", "args": [1]}', "t is 1"),
    ('{"score": 1}', "score is unknown"),
    ('{"end": true}', "t is None"),
    (line(0, "/nope", 1), "/nope: no such control"),
    (line(0, "/interp", 2), "/interp: 2 is out of range; allowed are 0 to 1"),
    (line(0, "/interp", 1, 2), "/interp: 2 arguments; it takes 1 argument"),
    (line(0, "/interp", "x"), "/interp: x is not a number"),
    (line(0, "/interp"), "/interp: asks for an answer"),
    (line(0, "/glide", "/interp"), "/glide: asks for an answer"),
    (line(0, "/status"), "/status: asks for an answer"),
    (line(0, "/sync", 1), "/sync: asks for an answer"),
    (line(0, "/generate", 1), "/generate: this bundle has no prior"),
]


@pytest.mark.parametrize(("text", "words"), BAD_LINES, ids=[words for _, words in BAD_LINES])
def test_a_bad_line_is_refused_with_its_line_number(text: str, words: str, tmp_path: Path) -> None:
    path = written(tmp_path / "bad.jsonl", GOOD, "", text, GOOD)
    with pytest.raises(ScoreError) as caught:
        open_score(path, TABLE, {"/generate": "this bundle has no prior"})
    assert str(caught.value).startswith(f"score '{path}', line 3: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xff\xfe\x00", "is not UTF-8 text"),
        (b'{"score": 2}\n', "line 1: this is version 2; version 1 is read"),
        (b'{"score": 1, "bundle": 3}\n', "line 1: the first line of a recording must have"),
        (b'{"score": 1, "bundle": "x", "digest": "y", "block_frames": 0}\n', "line 1"),
        (b"1" * 2_000_000, "line 1: at most"),
    ],
)
def test_a_file_that_is_not_a_score_is_refused(data: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(data)
    with pytest.raises(ScoreError, match=words):
        open_score(path, TABLE, {})


def test_a_missing_score_or_a_folder_raises_score_error(tmp_path: Path) -> None:
    for path in (tmp_path / "none.jsonl", tmp_path):
        with pytest.raises(ScoreError, match="cannot be read"):
            open_score(path, TABLE, {})


def test_lines_are_sorted_by_time_and_keep_their_order_at_one_time(tmp_path: Path) -> None:
    path = written(
        tmp_path / "s.jsonl", line(2, "/level", -1), line(1, "/level", -2), line(1, "/mute", 1)
    )
    score = open_score(path, TABLE, {})
    assert [step.line.number for step in score.steps] == [2, 3, 1]


@pytest.mark.parametrize("block", ["1", "13"])
@pytest.mark.parametrize("frame", [0, 33])
def test_a_change_is_heard_in_its_frame_at_any_block_size(
    frame: int, block: str, bundle_path: Path, tmp_path: Path
) -> None:
    usual = ["--seconds", "0.4", "--set", "/level=0", "--block", block]
    score = written(tmp_path / "s.jsonl", line(frame * FRAME_S, "/interp", 1))
    changed = render(bundle_path, tmp_path / "x.wav", "--score", str(score), *usual)
    plain = render(bundle_path, tmp_path / "y.wav", *usual)
    first = int(np.flatnonzero((np.abs(changed - plain) > 1e-5).any(axis=1))[0])
    assert frame * HOP <= first <= (frame + 1) * HOP


@pytest.mark.parametrize("block", ["1", "13"])
def test_a_deck_is_loaded_in_its_frame_at_any_block_size(
    block: str, bundle_path: Path, recording: Path, tmp_path: Path
) -> None:
    usual = ["--seconds", "0.4", "--set", "/level=0", "--block", block]
    frame = 37
    score = written(tmp_path / "s.jsonl", line(frame * FRAME_S, "/deck/a/load", str(recording)))
    changed = render(bundle_path, tmp_path / "x.wav", "--score", str(score), *usual)
    plain = render(bundle_path, tmp_path / "y.wav", *usual)
    first = int(np.flatnonzero((np.abs(changed - plain) > 1e-5).any(axis=1))[0])
    assert frame * HOP <= first <= (frame + 1) * HOP


def test_a_score_sounds_the_same_at_any_block_size(
    bundle_path: Path, recording: Path, tmp_path: Path
) -> None:
    score = written(
        tmp_path / "s.jsonl",
        line(0.01, "/walk", 1),
        line(0.05, "/gesture/max", 1),
        line(0.1, "/glide", "/interp/structure", 0.2),
        line(0.1, "/interp", 1),
        line(0.2, "/slice", 3),
        line(0.3, "/motion/record", 1),
        line(0.31, "/speed", -2),
        line(0.35, "/freeze", 1),
        line(0.37, "/freeze", 0),
        line(0.4, "/motion/record", 0),
        line(0.45, "/motion/play", 1),
        line(0.6, "/deck/b/load", str(recording)),
        line(0.61, "/deck/b/bypass", 1),
        line(0.7, "/gesture/random"),
        line(0.8, "/wek/outputs", 0.5),
    )
    usual = ["--seconds", "1.2", "--score", str(score), "--wekinator", "/level"]
    one, other = (
        render(bundle_path, tmp_path / f"{block}.wav", *usual, "--block", block)
        for block in ("1", "13")
    )
    np.testing.assert_allclose(one, other, atol=1e-4)
    assert np.abs(np.diff(one, axis=0)).max() > 0


def test_a_score_that_cannot_be_played_writes_no_file(
    bundle_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.wav").write_bytes(b"RIFF nothing")
    for text, words in (
        (line(50, "/interp", 7), "line 2: /interp: 7 is out of range"),
        (line(50, "/deck/a/load", "none.wav"), "line 2: /deck/a/load: 'none.wav' is neither"),
        (line(50, "/deck/a/load", "bad.wav"), "line 2: /deck/a/load: "),
        (line(50, "/deck/a/load", "../etc/x.wav"), "is neither"),
        (line(50, "/deck/a/bypass", 1), "line 2: /deck/a/bypass: low is a library deck"),
        (line(50, "/deck/d/bypass", 1), "line 2: /deck/d/bypass: deck d is empty"),
        (line(50, "/dump", 1), "line 2: /dump: works only live"),
    ):
        score = written(tmp_path / "s.jsonl", GOOD, text)
        out = tmp_path / "x.wav"
        arguments = ["--output", f"wav:{out}", "--score", str(score), "--media", str(tmp_path)]
        assert main(["--bundle", str(bundle_path), *arguments]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and words in said, said
        assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.wav", "s.jsonl"]


def test_a_score_determines_the_length_of_the_rendered_file(
    bundle_path: Path, tmp_path: Path
) -> None:
    for end, seconds in (
        ([], 2.5),
        ([line(1.5, "/quit")], 1.5),
        (['{"t": 0.75, "end": true}'], 0.75),
    ):
        score = written(tmp_path / "s.jsonl", line(0.5, "/interp", 1), *end)
        audio = render(bundle_path, tmp_path / "x.wav", "--score", str(score))
        assert len(audio) == round(seconds * RATE)


class Values:
    """A score player that plays only values."""

    def __init__(self, moments: Sequence[ScoreEvent]) -> None:
        self._moments = deque(moments)

    def due(self, before_frame: int) -> list[tuple[int, tuple[Event, ...]]]:
        found = []
        while self._moments and self._moments[0].frame < before_frame:
            one = self._moments.popleft()
            found.append((one.frame, one.events))
        return found


def test_an_hour_of_a_hundred_thousand_lines_is_played(tmp_path: Path) -> None:
    path = tmp_path / "hour.jsonl"
    with path.open("w") as file:
        for number in range(100_000):
            file.write(line(number * 0.036, "/latent/1", number % 7 / 7) + "\n")
    score = open_score(path, TABLE, {})
    assert len(score.steps) == 100_000
    timeline = Timeline(Desk(TABLE), SampleClock(FRAME_S))
    timeline.play(Values(score_events(score, FRAME_S)))
    for _ in range(round(3600 / FRAME_S / 32) + 1):
        timeline.segments(32)
    assert timeline.snapshot().changes == 100_000
