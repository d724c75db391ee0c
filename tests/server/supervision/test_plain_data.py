"""Dataclasses as files of plain data: written, read again, damaged."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.audio.model_input import Captured
from export.bundle.beats import Beats
from server.engine.deck import DeckData, Recording
from server.supervision.plain_data import read_plain, write_plain
from tests.server.fakes import fake_deck


@dataclass(frozen=True)
class Inner:
    number: float
    path: Path | None = None


@dataclass(frozen=True)
class Outer:
    on: bool
    count: int
    words: tuple[str, ...]
    pair: tuple[str, int] | None
    inner: Mapping[str, Inner]


PATH = Path("/media/t\udce9.wav")
"""Names of files may be no text."""

OUTERS = st.builds(
    Outer,
    st.booleans(),
    st.integers(),
    st.lists(st.text()).map(tuple),
    st.none() | st.tuples(st.text(), st.integers()),
    st.dictionaries(
        st.text(),
        st.builds(
            Inner, st.floats(allow_nan=False) | st.integers(), st.none() | st.just(Path("x"))
        ),
    ),
)


def written(value: object) -> io.BytesIO:
    file = io.BytesIO()
    write_plain(file, value)
    file.seek(0)
    return file


@given(OUTERS)
def test_what_is_written_is_read_again(value: Outer) -> None:
    assert read_plain(written(value), Outer) == value


def test_all_of_a_deck_is_read_again() -> None:
    deck = replace(
        fake_deck("high", 0.25, beats=Beats(120.5, 0.1, 0.9)),
        recording=Recording(np.arange(-500, 500, dtype=np.int16).reshape(-1, 2), (1.0, 0.0)),
        captured=Captured("live", np.linspace(-1, 1, 300, dtype=np.float32), 44100),
        source="high",
        structure=np.asfortranarray(np.random.default_rng(1).random((4, 20), np.float32)),
    )
    again = read_plain(written(deck), DeckData)
    assert again.recording is not None and deck.recording is not None
    np.testing.assert_array_equal(again.recording.pcm, deck.recording.pcm)
    assert again.captured is not None and deck.captured is not None
    np.testing.assert_array_equal(again.captured.samples, deck.captured.samples)
    assert (again.captured.name, again.captured.rate_hz) == ("live", 44100)
    for field in fields(DeckData):
        now, before = getattr(again, field.name), getattr(deck, field.name)
        if isinstance(before, np.ndarray):
            np.testing.assert_array_equal(now, before)
            assert now.dtype == before.dtype and now.flags.fnc == before.flags.fnc
            assert now.flags.writeable
        elif field.name not in ("recording", "captured"):
            assert now == before


def test_numbers_of_numpy_are_plain_numbers() -> None:
    again = read_plain(written(Inner(np.float32(0.5))), Inner)  # type: ignore[arg-type]
    assert again == Inner(0.5) and type(again.number) is float


def test_what_is_no_plain_data_is_refused() -> None:
    with pytest.raises(TypeError, match="set is no plain data"):
        write_plain(io.BytesIO(), {"x": {1}})


GOOD: dict[str, Any] = {"on": True, "count": 1, "words": ["a"], "pair": ["b", 2], "inner": {}}


@pytest.mark.parametrize(
    "changes",
    [
        {"on": 1},
        {"count": True},
        {"count": 1.5},
        {"words": "a"},
        {"words": [1]},
        {"pair": ["b"]},
        {"pair": ["b", 2, 3]},
        {"inner": []},
        {"inner": {"x": {"number": "1", "path": None}}},
        {"inner": {"x": {"number": 1}}},
        {"more": 1},
    ],
)
def test_data_that_do_not_fit_are_refused(changes: dict[str, Any]) -> None:
    assert read_plain(io.BytesIO(json.dumps(GOOD).encode()), Outer).count == 1
    with pytest.raises(ValueError, match=r".+"):
        read_plain(io.BytesIO(json.dumps({**GOOD, **changes}).encode()), Outer)


@given(st.data())
def test_a_deck_cut_short_or_overwritten_is_refused_or_a_deck(data: st.DataObject) -> None:
    content = written(fake_deck("a", 0.5)).read()
    cut = data.draw(st.integers(0, len(content) - 1))
    with pytest.raises(ValueError, match=r".*"):
        read_plain(io.BytesIO(content[:cut]), DeckData)
    at = data.draw(st.integers(0, len(content) - 1))
    damaged = content[:at] + bytes([data.draw(st.integers(0, 255))]) + content[at + 1 :]
    with contextlib.suppress(ValueError):
        assert isinstance(read_plain(io.BytesIO(damaged), DeckData), DeckData)
