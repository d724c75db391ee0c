"""The page of a report: figures as they are shown, and text that is never markup."""

from __future__ import annotations

from typing import Any

import pytest

from training.report.filters import MINUS, NONE, best_method, counted, number, share
from training.report.page import page

TIME = {"time": "time.html.j2"}
UNKNOWN = {"mean": None, "low": None, "high": None, "count": 0}


def report(clip: str = "a clip") -> dict[str, Any]:
    figures = (
        *("freeze_drift_db", "loop_200_to_2", "loop_3_to_2", "loop_level_db"),
        *("forward", "slow", "reverse", "forward_mean_spectrum"),
    )
    known = {"mean": -0.25, "low": -0.5, "high": 0.0, "count": 2}
    return {
        "checkpoint": "runs/mine/",
        "preset": "tiny",
        "split": "heldout",
        "left_out": {},
        "time": {
            "clips": [{}],
            "summary": dict.fromkeys(figures, known) | {"slow": UNKNOWN},
            "shown": [{"clip": clip, "sounds": {"frozen": "media/frozen.flac"}}],
        },
    }


def test_a_page_shows_its_sections_and_headlines() -> None:
    shown = page(report(), TIME)
    assert "<title>mine, Latent Deck</title>" in shown
    assert '<a href="#time">Time</a>' in shown and '<section id="time">' in shown
    assert f"<dd>{MINUS}0.2 dB</dd>" in shown
    assert f"<td>{MINUS}0.250<small>±0.250</small></td>" in shown
    assert f"<td>{NONE}</td>" in shown
    assert 'src="media/frozen.flac"' in shown
    assert "Left out" not in shown


def test_a_section_that_is_left_out_is_named_with_the_reason() -> None:
    figures = report() | {"left_out": {"time": "no time"}}
    del figures["time"]
    shown = page(figures, TIME)
    assert '<tr><td>Time</td><td class="words">no time</td></tr>' in shown
    assert 'href="#time"' not in shown and '<dl class="brief">' not in shown


def test_names_are_text_and_never_markup() -> None:
    shown = page(report("<b>bold</b> & 'quoted'"), TIME)
    assert "<h3>&lt;b&gt;bold&lt;/b&gt; &amp; &#39;quoted&#39;</h3>" in shown


@pytest.mark.parametrize(
    ("value", "options", "text"),
    [
        (1.005, {}, "1.00"),
        (-1.25, {"digits": 1}, f"{MINUS}1.2"),
        (0.5, {"sign": True}, "+0.50"),
        (None, {}, NONE),
    ],
)
def test_numbers(value: float | None, options: dict[str, Any], text: str) -> None:
    assert number(value, **options) == text


def test_shares_and_counts() -> None:
    assert (share(0.256), share(-1.0), share(None)) == ("26 %", f"{MINUS}100 %", NONE)
    assert (counted(1, "pair"), counted(0, "pair")) == ("1 pair", "0 pairs")


@pytest.mark.parametrize(("better", "best"), [("lower", "a"), ("higher", "b"), ("nearest 0", "c")])
def test_the_best_method_is_of_those_that_have_the_figure(better: str, best: str) -> None:
    means = {"a": -2.0, "b": 3.0, "c": 0.5, "d": None}
    sound = {method: {"level": {"mean": mean}} for method, mean in means.items()}
    assert best_method(sound, "level", better) == best
    assert best_method({"d": sound["d"]}, "level", better) is None
