"""The command ``/output``: queries the output; with a name, changes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from server.controls import replies
from server.controls.events import ChangeOutput, Event
from server.controls.feature import Feature, Handler, Rejection
from server.controls.notify import NotifyClients
from server.controls.replies import Reply
from server.engine.cue import CUE, NO_CUE
from server.output.choice import ChoiceError, OutputChoice
from server.output.kinds import is_file, output_choice
from server.output.live_output import State
from server.system.callbacks import Soon, Then


class ChangeableOutput(Protocol):
    """An output that can be changed: ``server.output.live_output.LiveOutput``."""

    choice: OutputChoice
    state: State
    report: Callable[[], None]
    """Called, from any thread, when the output is changed, lost or found again."""

    def change(self, choice: OutputChoice, then: Then) -> None:
        """Play on ``choice`` instead; returns at once, ``then`` is called from any thread."""


class OutputCommands(Feature):
    """Changes the output, and notifies clients of its state."""

    def __init__(
        self, live: ChangeableOutput, notify: NotifyClients, soon: Soon, has_cue: bool = True
    ) -> None:
        """``has_cue``: the output has a second pair of channels."""
        self._live = live
        self._notify = notify
        self._soon = soon
        self._has_cue = has_cue
        live.report = self.report

    def handlers(self) -> Mapping[type[Event], Handler]:
        """``/output``."""
        return {ChangeOutput: self._on_change}

    def rejections(self) -> Mapping[str | type[Event], Rejection]:
        """``/cue``, without a second pair of channels."""
        return {CUE: lambda event, group: None if self._has_cue else NO_CUE}

    def _on_change(self, event: ChangeOutput) -> None:
        """Answer a query at once, a change with ``/done`` or ``/fail`` when it has finished."""
        if not event.names:
            event.answer(self.state())
            return
        try:
            (name,) = event.names
            choice = output_choice(name)
            if is_file(choice):
                raise ChoiceError(
                    f"'{name}' is not a live output; start with --output to render a file"
                )
        except ValueError as error:
            count = len(event.names)
            reason = f"{count} arguments; it takes one output" if count > 1 else str(error)
            event.answer(replies.fail("/output", reason))
            return

        def then(failure: str | None) -> None:
            self._soon(lambda: event.answer(replies.outcome("/output", name, failure)))

        self._live.change(choice, then)

    def report(self) -> None:
        """Notify clients of the output's state; from any thread."""
        self._soon(lambda: self._notify(self.state(), None))

    def state(self) -> Reply:
        """Return the output and its state, ``playing`` or ``lost``."""
        return Reply("/output", (str(self._live.choice), self._live.state))
