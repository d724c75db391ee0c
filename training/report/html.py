"""Pieces of a report's page: tables, players beside their pictures, numbers as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

DASH, MINUS, PLUS_MINUS = "\N{EN DASH}", "\N{MINUS SIGN}", "\N{PLUS-MINUS SIGN}"
NOTHING = DASH


@dataclass(frozen=True)
class Cell:
    """A table's cell: text, a smaller addition, and its look."""

    text: str
    small: str = ""
    kind: str = ""
    style: str = ""

    def __str__(self) -> str:
        small = f"<small>{escape(self.small)}</small>" if self.small else ""
        kind = f' class="{self.kind}"' if self.kind else ""
        style = f' style="{self.style}"' if self.style else ""
        return f"<td{kind}{style}>{escape(self.text)}{small}</td>"


@dataclass(frozen=True)
class Column:
    """A table's heading: words, and a unit below them."""

    title: str
    unit: str = ""

    def __str__(self) -> str:
        small = f"<small>{escape(self.unit)}</small>" if self.unit else ""
        return f"<th>{escape(self.title)}{small}</th>"


@dataclass(frozen=True)
class Row:
    """A table's row; ``own`` is the one that is measured, among those it is held against."""

    cells: Sequence[Cell]
    own: bool = False

    def __str__(self) -> str:
        kind = ' class="own"' if self.own else ""
        return f"<tr{kind}>{''.join(map(str, self.cells))}</tr>"


def table(columns: Sequence[Column], rows: Iterable[Row], caption: str = "") -> str:
    """A table that scrolls by itself where it is too wide."""
    head = f"<caption>{escape(caption)}</caption>" if caption else ""
    return (
        f'<div class="wide"><table>{head}<thead><tr>{"".join(map(str, columns))}</tr></thead>'
        f"<tbody>{''.join(map(str, rows))}</tbody></table></div>"
    )


def section(name: str, title: str, words: str, *parts: str) -> str:
    """A part of the page with a heading that can be linked to."""
    return (
        f'<section id="{name}"><h2>{escape(title)}</h2>{paragraph(words)}{"".join(parts)}</section>'
    )


def paragraph(words: str, kind: str = "") -> str:
    """One paragraph of plain text."""
    return f'<p class="{kind}">{escape(words)}</p>' if kind else f"<p>{escape(words)}</p>"


def heading(words: str) -> str:
    """A smaller heading."""
    return f"<h3>{escape(words)}</h3>"


def details(words: str, inside: str) -> str:
    """Folded away until it is asked for."""
    return f"<details><summary>{escape(words)}</summary>{inside}</details>"


def panels(shown: Iterable[Mapping[str, Any]]) -> str:
    """Sounds side by side, each with its spectrogram above and its player below."""
    return f'<div class="sounds">{"".join(_panel(one) for one in shown)}</div>'


def players(sounds: Mapping[str, str]) -> str:
    """Sounds side by side without pictures."""
    shown = ({"title": label, "sound": path} for label, path in sounds.items())
    return f'<div class="sounds">{"".join(_panel(one) for one in shown)}</div>'


def picture_strip(path: str, words: str) -> str:
    """A picture as wide as the page."""
    return (
        f'<div class="strip"><img src="{escape(path)}" alt="{escape(words)}" loading="lazy"></div>'
    )


def number(value: float | None, digits: int = 2, sign: bool = False) -> str:
    """A figure, or a dash where there is none."""
    if value is None:
        return NOTHING
    text = f"{value:{'+' if sign else ''}.{digits}f}"
    return text.replace("-", MINUS)


def interval(figures: Mapping[str, float | None], digits: int = 2) -> Cell:
    """A mean with the half width of its 95 % interval."""
    mean, low, high = (figures[name] for name in ("mean", "low", "high"))
    if mean is None or low is None or high is None:
        return Cell(NOTHING)
    if figures["count"] == 1:
        return Cell(number(mean, digits))
    return Cell(number(mean, digits), f"{PLUS_MINUS}{(high - low) / 2:.{digits}f}")


def counted(count: int, noun: str) -> str:
    """``1 pair``, ``2 pairs``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def share(value: float | None) -> str:
    """A share in per cent."""
    return NOTHING if value is None else f"{number(100 * value, 0)} %"


def _panel(one: Mapping[str, Any]) -> str:
    title = escape(str(one["title"]))
    picture = ""
    if "picture" in one:
        picture = (
            f'<img src="{escape(str(one["picture"]))}" alt="spectrogram: {title}" loading="lazy">'
        )
    return (
        f"<figure><figcaption>{title}</figcaption>{picture}"
        f'<audio controls preload="none" src="{escape(str(one["sound"]))}"></audio></figure>'
    )
