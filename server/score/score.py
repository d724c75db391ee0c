"""A score as events: all lines are checked before it starts to play.

Lines are parsed by ``server.osc.mapping`` like OSC messages, so a score can contain anything that
can be sent. Queries and requests of a sender (a value's address without arguments, ``/notify``) are
rejected: a score has nobody to answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from export.bundle.format import Bundle, BundleError
from server.controls import events
from server.controls.control import ControlTable
from server.controls.events import Event
from server.controls.table import controls_of
from server.decks.media import MediaError
from server.models.model_controls import missing_in
from server.osc.mapping import MappingError, events_of_message
from server.osc.packet import OscMessage
from server.score.score_file import Header, ScoreFile, ScoreLine, read_score_file
from server.system.printable import shown

END_SILENCE_S = 2.0
"""Time after the last line of a score that has no end."""


@dataclass(frozen=True)
class ScoreStep:
    """One line of a score, with its events."""

    line: ScoreLine
    events: tuple[Event, ...]

    @property
    def time_s(self) -> float:
        """Time from the start."""
        return self.line.time_s


@dataclass(frozen=True)
class Score:
    """A score ready to play: its steps in order of time."""

    file: ScoreFile
    steps: tuple[ScoreStep, ...]
    bundles: Mapping[str, Bundle] = field(default_factory=dict)
    """The bundles it loads, by the names of its ``/model/load`` lines."""

    @property
    def header(self) -> Header | None:
        """The bundle and block size of the recording; None if the score was written by hand."""
        return self.file.header

    @property
    def end_s(self) -> float | None:
        """The time of its end line or first ``/quit``; None without either."""
        quits = [
            step.time_s
            for step in self.steps
            for event in step.events
            if isinstance(event, events.Quit)
        ]
        return min([*quits, *([] if self.file.end_s is None else [self.file.end_s])], default=None)

    @property
    def last_s(self) -> float:
        """The time of the last step."""
        return self.steps[-1].time_s if self.steps else 0.0


OpenBundle = Callable[[str], Bundle]
"""Opens the bundle of a ``/model/load`` line.

Raises:
    MediaError, BundleError: there is none, or it cannot be played.
"""


def no_bundle(name: str) -> Bundle:
    """Reject ``/model/load``: an ``OpenBundle`` for scores that cannot change the model."""
    raise MediaError(f"{shown(name)}: no other model can be played here")


def open_score(
    path: Path,
    table: ControlTable,
    missing: Mapping[str, str],
    open_bundle: OpenBundle = no_bundle,
) -> Score:
    """Read and check the score at ``path``.

    ``missing`` are controls that the bundle does not support, each with the reason. After a
    ``/model/load``, lines are checked against the controls of that model.

    Raises:
        ScoreError: the file cannot be read, or a line is invalid.
    """
    file = read_score_file(path)
    steps: list[ScoreStep] = []
    bundles: dict[str, Bundle] = {}
    for line in file.lines:
        step = _step(file, line, table, missing)
        steps.append(step)
        for event in step.events:
            if isinstance(event, events.LoadModel):
                bundle = _bundle(file, line, event.name, bundles, open_bundle)
                table = controls_of(bundle)
                missing = missing_in(bundle)
    return Score(file, tuple(steps), bundles)


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


def _step(
    file: ScoreFile, line: ScoreLine, table: ControlTable, missing: Mapping[str, str]
) -> ScoreStep:
    try:
        line_events = events_of_message(table, OscMessage(line.address, line.arguments))
    except MappingError as error:
        raise file.error(line.number, str(error)) from error
    for event in line_events:
        if event.is_question:
            raise file.error(
                line.number, f"{line.address}: asks for an answer; a score cannot receive one"
            )
        if isinstance(event, events.SetControl) and any(event.values) and event.address in missing:
            raise file.error(line.number, f"{event.address}: {missing[event.address]}")
    return ScoreStep(line, line_events)
