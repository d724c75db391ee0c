"""What a score means: its lines as events, all checked before the first is heard.

Lines go through ``server.osc.mapping`` as messages of OSC do, so whatever can be sent can be
written. What asks or belongs to a sender (``/notify``, a value's address without arguments) is
refused: a score has nobody to answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from export.bundle.format import Bundle, BundleError
from server.controls import events
from server.controls.control import ControlTable
from server.controls.events import Event
from server.controls.table import control_table
from server.decks.media import MediaError
from server.models.model_controls import missing_in
from server.osc.mapping import MappingError, events_of_message
from server.osc.packet import OscMessage
from server.score.score_file import Header, ScoreFile, ScoreLine, read_score_file
from server.system.printable import shown

END_SILENCE_S = 2.0
"""A score without an end is given so long behind its last line."""


@dataclass(frozen=True)
class ScoreStep:
    """One line understood: what happens at ``time_s``."""

    line: ScoreLine
    events: tuple[Event, ...]

    @property
    def time_s(self) -> float:
        """From the start."""
        return self.line.time_s


@dataclass(frozen=True)
class Score:
    """A score that can be played: its entries by time."""

    file: ScoreFile
    entries: tuple[ScoreStep, ...]
    bundles: Mapping[str, Bundle] = field(default_factory=dict)
    """Those that it loads, by the names by which it does."""

    @property
    def header(self) -> Header | None:
        """What it was recorded on; None if it was written by hand."""
        return self.file.header

    @property
    def end_s(self) -> float | None:
        """When it ends by its own word: its last line or a ``/quit``."""
        quits = [
            entry.time_s
            for entry in self.entries
            for one in entry.events
            if isinstance(one, events.Quit)
        ]
        return min([*quits, *([] if self.file.end_s is None else [self.file.end_s])], default=None)

    @property
    def last_s(self) -> float:
        """When its last change is."""
        return self.entries[-1].time_s if self.entries else 0.0


OpenBundle = Callable[[str], Bundle]
"""The bundle that a name means.

Raises:
    MediaError, BundleError: there is none that could be played.
"""


def no_bundle(name: str) -> Bundle:
    """Where no other model can be played."""
    raise MediaError(f"{shown(name)}: no other model can be played here")


def open_score(
    path: Path,
    table: ControlTable,
    missing: Mapping[str, str],
    open_bundle: OpenBundle = no_bundle,
) -> Score:
    """Read and check the score at ``path``; ``missing`` are addresses it may not use, and why.

    Behind a ``/model/load`` the controls are those of that model.

    Raises:
        ScoreError: it cannot be read, or a line that no control takes.
    """
    file = read_score_file(path)
    entries: list[ScoreStep] = []
    bundles: dict[str, Bundle] = {}
    for line in file.lines:
        entry = _entry(file, line, table, missing)
        entries.append(entry)
        for event in entry.events:
            if isinstance(event, events.LoadModel):
                bundle = _bundle(file, line, event.name, bundles, open_bundle)
                table = control_table(bundle.manifest.style_dims, bundle.names)
                missing = missing_in(bundle)
    return Score(file, tuple(entries), bundles)


def _bundle(
    file: ScoreFile,
    line: ScoreLine,
    name: str,
    bundles: dict[str, Bundle],
    open_bundle: OpenBundle,
) -> Bundle:
    try:
        return bundles.setdefault(name, bundles.get(name) or open_bundle(name))
    except (MediaError, BundleError) as error:
        raise file.error(line.number, f"{line.address}: {error}") from error


def _entry(
    file: ScoreFile, line: ScoreLine, table: ControlTable, missing: Mapping[str, str]
) -> ScoreStep:
    try:
        found = events_of_message(table, OscMessage(line.address, line.arguments))
    except MappingError as error:
        raise file.error(line.number, str(error)) from error
    for event in found:
        if event.is_question:
            raise file.error(
                line.number, f"{line.address}: asks for an answer, and nobody is there to hear it"
            )
        if isinstance(event, events.SetControl) and any(event.values) and event.address in missing:
            raise file.error(line.number, f"{event.address}: {missing[event.address]}")
    return ScoreStep(line, found)
