"""Relative encoder codings, every value of the table in Live's manual."""

from __future__ import annotations

import pytest

from server.midi.mappings.relative import CODINGS, Coding, steps

UP_64, UP_63, DOWN_64, DOWN_63 = range(1, 65), range(1, 64), range(-1, -65, -1), range(-1, -64, -1)

TABLE: list[tuple[Coding, dict[int, int]]] = [
    (
        "signed bit",
        dict(zip(range(1, 65), UP_64, strict=True))
        | dict(zip(range(65, 128), DOWN_63, strict=True)),
    ),
    (
        "signed bit 2",
        dict(zip(range(65, 128), UP_63, strict=True))
        | dict(zip(range(1, 65), DOWN_64, strict=True)),
    ),
    (
        "bin offset",
        dict(zip(range(65, 128), UP_63, strict=True))
        | dict(zip(range(63, 0, -1), DOWN_63, strict=True)),
    ),
    (
        "2's complement",
        dict(zip(range(1, 65), UP_64, strict=True))
        | dict(zip(range(127, 64, -1), DOWN_63, strict=True)),
    ),
]


@pytest.mark.parametrize(("coding", "listed"), TABLE)
def test_every_value_matches_the_manual(coding: Coding, listed: dict[int, int]) -> None:
    assert {raw: steps(coding, raw) for raw in range(128)} == {
        raw: listed.get(raw, 0) for raw in range(128)
    }


def test_the_table_covers_every_coding() -> None:
    assert tuple(coding for coding, _ in TABLE) == CODINGS
