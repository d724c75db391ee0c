"""The page of a report, from its figures alone: ``report.json`` in, ``index.html`` out."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

from training.report import html as html
from training.report.html import Cell, Column, Row
from training.report.knobs import knobs
from training.report.sections import interpolation, reconstruction, swaps, time_travel, transfer
from training.report.style import CSS, SCRIPT

Report = dict[str, Any]

PARTS: dict[str, tuple[str, Callable[[Report], str]]] = {
    "reconstruction": ("Reconstruction", reconstruction),
    "traverse": ("Knobs", knobs),
    "interpolation": ("Interpolation", interpolation),
    "swaps": ("Swaps", swaps),
    "transfer": ("Transfer", transfer),
    "time": ("Time", time_travel),
}


def page(report: Report) -> str:
    """The whole page; sounds and pictures are files beside it."""
    there = [name for name in PARTS if name in report]
    links = "".join(f'<a href="#{name}">{PARTS[name][0]}</a>' for name in there)
    body = "".join(PARTS[name][1](report[name]) for name in there)
    title = escape(str(report["checkpoint"]).rstrip("/").rsplit("/", 1)[-1])
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}, Latent Deck</title><style>{CSS}</style></head><body>"
        f"<header><h1>{title}</h1>{_about(report)}<nav>{links}</nav>{_brief(report)}</header>"
        f"{body}{_left_out(report)}<script>{SCRIPT}</script></body></html>\n"
    )


def _about(report: Report) -> str:
    said = "music it has never heard" if report["split"] == "heldout" else "the music it knows"
    return html.paragraph(f"Preset {report['preset']}, measured on {said}.", "soft")


def _brief(report: Report) -> str:
    """The figures that count, as far as they were measured."""
    found = [(words, value) for words, find in _BRIEF for value in [find(report)] if value]
    items = "".join(
        f"<div><dd>{escape(value)}</dd><dt>{escape(words)}</dt></div>" for words, value in found
    )
    return f'<dl class="brief">{items}</dl>' if items else ""


def _share_closed(report: Report) -> str:
    if "reconstruction" not in report:
        return ""
    return html.share(report["reconstruction"]["groups"]["all"]["share_closed"]["griffin_lim"])


def _mean(report: Report, metric: str) -> str:
    if "reconstruction" not in report:
        return ""
    sound = report["reconstruction"]["groups"]["all"]["sound"]["model"]
    return html.number(sound[metric]["mean"])


def _named(report: Report) -> str:
    if "traverse" not in report:
        return ""
    return f"{report['traverse']['named']} of {len(report['traverse']['dimensions'])}"


def _nearer(report: Report) -> str:
    if "transfer" not in report:
        return ""
    return html.share(report["transfer"]["nearer"]["spectral_distance"]["share"])


def _drift(report: Report) -> str:
    if "time" not in report:
        return ""
    drift_db = report["time"]["summary"]["freeze_drift_db"]["mean"]
    return f"{html.number(drift_db, 1, sign=True)} dB"


_BRIEF: tuple[tuple[str, Callable[[Report], str]], ...] = (
    ("of the way from noise to Griffin-Lim on true mels", _share_closed),
    ("chroma correlation", lambda report: _mean(report, "chroma_correlation")),
    ("onset F1 within 50 ms", lambda report: _mean(report, "onset_f1")),
    ("knobs have a name", _named),
    ("nearer to the true transfer than the best rival", _nearer),
    ("level drift in ten seconds of freeze", _drift),
)


def _left_out(report: Report) -> str:
    if not report["left_out"]:
        return ""
    rows = [
        Row([Cell(PARTS[name][0]), Cell(why, kind="words")])
        for name, why in report["left_out"].items()
    ]
    table = html.table([Column("section"), Column("")], rows)
    return html.section("left-out", "Left out", "What could not be measured, and why.", table)
