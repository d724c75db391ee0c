"""The page of a report: ``index.html`` from the figures of ``report.json``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from training.report.filters import FILTERS


def page(report: Mapping[str, Any], templates: Mapping[str, str]) -> str:
    """Render the page; sounds and pictures are files beside it.

    ``templates`` maps sections to their templates, in the order of the page. A template has a
    ``title``, a macro ``body`` and, for the top of the page, an optional macro ``headlines``; both
    macros take the section's figures.
    """
    environment = Environment(
        loader=PackageLoader("training.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= FILTERS
    return environment.get_template("page.html.j2").render(report=report, templates=templates)
