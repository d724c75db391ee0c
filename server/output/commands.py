"""``/output``: asked, which output is heard; with a name, play on that one instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from server.controls import replies
from server.controls.events import ChangeOutput, Event
from server.controls.feature import Feature, Handler, Rejection
from server.controls.notify import Tell
from server.controls.replies import Reply
from server.engine.cue import CUE, NO_CUE
from server.output.choice import ChoiceError, OutputChoice, output_choice
from server.output.live_output import State
from server.system.callbacks import Soon, Then


class ChangeableOutput(Protocol):
    """An output that can be changed: ``server.output.live_output.LiveOutput``."""

    choice: OutputChoice
    state: State
    report: Callable[[], None]
    """Called, from any thread, when the output was changed, lost or found again."""

    def change(self, choice: OutputChoice, then: Then) -> None:
        """Play on ``choice`` instead; returns at once, ``then`` may come from any thread."""


class OutputCommands(Feature):
    """Changes the output, and notifies clients of what becomes of it."""

    def __init__(
        self, live: ChangeableOutput, tell: Tell, soon: Soon, has_cue: bool = True
    ) -> None:
        """``has_cue``: there is a second pair of channels."""
        self._live = live
        self._tell = tell
        self._soon = soon
        self._has_cue = has_cue
        live.report = self.report

    def handlers(self) -> Mapping[type[Event], Handler]:
        """``/output``."""
        return {ChangeOutput: self._on_change}

    def rejections(self) -> Mapping[str | type[Event], Rejection]:
        """Without a second pair of channels no deck can be cued."""
        return {CUE: lambda event, among: None if self._has_cue else NO_CUE}

    def _on_change(self, event: ChangeOutput) -> None:
        """Answer a question at once, a change with ``/done`` or ``/fail`` when it is over."""
        if not event.names:
            event.answer(self.present())
            return
        try:
            (name,) = event.names
            choice = output_choice(name)
            if choice.is_file:
                raise ChoiceError(f"'{name}' is no live output; --output wav:FILE renders to one")
        except ValueError as error:
            many = len(event.names) > 1
            why = f"{len(event.names)} arguments; it takes one output" if many else str(error)
            event.answer(replies.fail("/output", why))
            return

        def over(failure: str | None) -> None:
            self._soon(lambda: event.answer(replies.outcome("/output", name, failure)))

        self._live.change(choice, over)

    def report(self) -> None:
        """Notify clients; from any thread."""
        self._soon(lambda: self._tell(self.present(), None))

    def present(self) -> Reply:
        """Which output, and whether it is heard: ``playing`` or ``lost``."""
        return Reply("/output", (str(self._live.choice), self._live.state))
