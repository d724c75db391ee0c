"""The sections of a report, one row each: add a section here.

A section is measured and put into words by a module of this folder, and shown on the page by a
template of ``training/report/templates``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from training.evaluate import (
    interpolation,
    reconstruction,
    rendered_pairs,
    swaps,
    time_experiments,
    traverse,
)
from training.evaluate.context import EvaluationContext
from training.evaluate.heard import section as heard


@dataclass(frozen=True)
class Section:
    """A section: ``name`` is its key in ``report.json``, its word in ``--only``, its anchor.

    ``measure`` returns its figures, ``text`` shows them in a terminal, ``template`` on the page.
    ``limit`` is the most that it measures, whatever ``--clips`` asks for.
    """

    name: str
    measure: Callable[[EvaluationContext], dict[str, Any]]
    text: Callable[[dict[str, Any]], str]
    template: str
    limit: str = ""


SECTIONS = {
    section.name: section
    for section in (
        Section(
            "reconstruction",
            reconstruction.measure_reconstruction,
            reconstruction.reconstruction_text,
            "reconstruction.html.j2",
        ),
        Section(
            "traverse",
            traverse.measure_knobs,
            traverse.knobs_text,
            "knobs.html.j2",
        ),
        Section(
            "interpolation",
            interpolation.measure_interpolation,
            interpolation.interpolation_text,
            "interpolation.html.j2",
            limit=f"at most {interpolation.PAIRS} pairs",
        ),
        Section(
            "swaps",
            swaps.measure_swaps,
            swaps.swaps_text,
            "swaps.html.j2",
            limit=f"at most {swaps.PAIRS} pairs",
        ),
        Section(
            "transfer",
            rendered_pairs.measure_transfer,
            rendered_pairs.transfer_text,
            "transfer.html.j2",
            limit=f"at most {rendered_pairs.PAIRS} pairs",
        ),
        Section(
            "time",
            time_experiments.measure_time,
            time_experiments.time_text,
            "time.html.j2",
            limit=f"at most {time_experiments.CLIPS} excerpts",
        ),
        Section(
            "heard",
            heard.measure_heard,
            heard.heard_text,
            "heard.html.j2",
            limit=f"at most {heard.MOST_CLIPS} records or pairs",
        ),
    )
}


def report_text(report: dict[str, Any]) -> str:
    """The report as text for a terminal of 100 columns."""
    heading = f"{report['checkpoint']} (preset {report['preset']}) on {report['split']} music"
    parts = [one.text(report[name]) for name, one in SECTIONS.items() if name in report]
    left_out = [f"{name} left out: {reason}" for name, reason in report["left_out"].items()]
    return "\n\n".join([heading, *parts, *left_out])
