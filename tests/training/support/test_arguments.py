"""Arguments are parsed, or refused in one line that says what is allowed."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import pytest

import export.__main__
import training.evaluate.__main__
import training.fit.settings
from training.support.arguments import (
    OneLineParser,
    even_int,
    excerpt_seconds,
    positive_float,
    positive_int,
)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (positive_float, "0.5", 0.5),
        (positive_float, "1e-3", 1e-3),
        (positive_int, "3", 3),
        (even_int, "16", 16),
        (excerpt_seconds, "6", 6.0),
    ],
)
def test_numbers_within_range_are_taken(
    kind: Callable[[str], float], text: str, value: float
) -> None:
    assert kind(text) == value


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        (positive_float, "0", "not above 0"),
        (positive_float, "-1", "not above 0"),
        (positive_float, "nan", "not finite"),
        (positive_float, "inf", "not finite"),
        (positive_float, "many", "not a number"),
        (positive_int, "0", "not a whole number from 1"),
        (positive_int, "1.5", "not a whole number from 1"),
        (even_int, "3", "clips come in pairs"),
        (excerpt_seconds, "61", "not from 1 to 60"),
    ],
)
def test_others_are_refused_in_words(kind: Callable[[str], float], text: str, words: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=words):
        kind(text)


def test_a_wrong_command_line_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    parser = OneLineParser(prog="python -m training.fit")
    parser.add_argument("--minutes", type=positive_float)
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["--minutes", "-1"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        "python -m training.fit: argument --minutes: '-1' is not above 0; give a positive number; "
        "--help shows what is allowed\n"
    )


@pytest.mark.parametrize(
    "parse_args",
    [
        export.__main__.parse_args,
        training.evaluate.__main__.parse_args,
        training.fit.settings.parse_args,
    ],
    ids=["export", "evaluate", "fit"],
)
def test_help_tells_defaults_where_there_are_some(
    parse_args: Callable[[list[str]], object], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse_args(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "(default: " in said
    assert "(default: None)" not in said and "(default: ())" not in said
