"""The page of a report: the figures of ``report.json`` in, ``index.html`` out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from training.report.filters import FILTERS


def page(report: Mapping[str, Any], templates: Mapping[str, str]) -> str:
    """The whole page; sounds and pictures are files beside it.

    ``templates`` names the template of each section, in the order of the page. Such a template
    has a ``title``, a macro ``body`` and, for the top of the page, perhaps a macro ``headlines``;
    both macros take the section's figures.
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
