"""The part of a report's page that says what every knob does."""

from __future__ import annotations

from typing import Any

from training.report import html as html
from training.report.html import Cell, Column, Row

Section = dict[str, Any]


def knobs(section: Section) -> str:
    """What every style dimension does, as a table of effects, and the strongest to hear."""
    names = [one["name"] for one in section["descriptors"]]
    by_index = {knob["index"]: knob for knob in section["dimensions"]}
    return html.section(
        "traverse",
        "Knobs",
        "Every style dimension is turned from -3 to 3 spreads on "
        f"{html.counted(section['clips'], 'clip')}. The table shows the change from -2 to 2 in "
        "standard deviations of each descriptor over the data. A dimension gets a name when its "
        "largest change is at least one deviation and goes one way on 80 % of the clips; the "
        "interval holds the mean of that change on other clips with 95 %. Axes: "
        f"{section['axes']}.",
        html.table(
            [
                Column("knob"),
                Column("name"),
                *(Column(one["name"], one["unit"]) for one in section["descriptors"]),
                Column("interval", "of the largest"),
                Column("one way", "share of clips"),
                Column("useful range", "spreads"),
                Column("no name because"),
            ],
            [_knob_row(knob, names) for knob in section["dimensions"]],
        ),
        _descriptor_words(section),
        *(_knob_heard(one, by_index[one["dimension"]]) for one in section["shown"]),
    )


def _knob_row(knob: Section, names: list[str]) -> Row:
    low, high = knob["range"]
    least, most = (html.number(end, 2, sign=True) for end in knob["interval"])
    return Row(
        [
            Cell(str(knob["index"])),
            Cell(knob["name"] or html.NOTHING),
            *(_effect(knob["effects"][name]) for name in names),
            Cell(f"{least} to {most}"),
            Cell(html.share(knob["monotone"][knob["strongest"]])),
            Cell(f"{html.number(low, 0)} to {html.number(high, 0)}"),
            Cell(knob["why"], kind="words"),
        ],
        own=knob["name"] is not None,
    )


def _effect(value: float) -> Cell:
    """Tinted by its size: warm for more, cold for less."""
    colour = "--more" if value > 0 else "--less"
    alpha = min(abs(value), 1.5) / 1.5 * 0.55
    tint = f"background: rgba(var({colour}), {alpha:.2f})" if alpha > 0.02 else ""
    return Cell(html.number(value, 2, sign=True), style=tint)


def _descriptor_words(section: Section) -> str:
    of = section["deviations_of"]
    said = "; ".join(
        f"{one['name']}: {one['meaning']}, one deviation is {html.number(one['deviation'])} "
        f"{one['unit']}"
        for one in section["descriptors"]
    )
    return html.details(
        "What the descriptors are",
        html.paragraph(f"{said}. Measured on {of['clips']} excerpts of split '{of['split']}'."),
    )


def _knob_heard(one: Section, knob: Section) -> str:
    title = f"Knob {one['dimension']}: {knob['name'] or 'no name'} on {one['clip']}"
    positions = {
        f"at {label.replace('-', html.MINUS)} spreads": x for label, x in one["sounds"].items()
    }
    return (
        html.heading(title)
        + html.picture_strip(one["picture"], "spectrograms from -3 to 3 spreads")
        + html.players(positions)
    )
