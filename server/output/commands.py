"""``/output``: asked, which output is heard; with a name, play on that one instead."""

from __future__ import annotations

from typing import Protocol

from server.controls import replies
from server.controls.events import ChangeOutput
from server.controls.notify import Tell
from server.controls.replies import Reply
from server.output.choice import ChoiceError, OutputChoice, output_choice
from server.output.live_output import State
from server.system.callbacks import Soon, Then


class ChangeableOutput(Protocol):
    """An output that can be changed: ``server.output.live_output.LiveOutput``."""

    choice: OutputChoice
    state: State

    def change(self, choice: OutputChoice, then: Then) -> None:
        """Play on ``choice`` instead; returns at once, ``then`` may come from any thread."""


class OutputCommands:
    """Carries out what is asked of the output, and tells clients what became of it."""

    def __init__(self, live: ChangeableOutput, tell: Tell, soon: Soon) -> None:
        self._live = live
        self._tell = tell
        self._soon = soon

    def carry_out(self, event: ChangeOutput) -> None:
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
        """The output was changed, lost or found again; from any thread."""
        self._soon(lambda: self._tell(self.present(), None))

    def present(self) -> Reply:
        """Which output, and whether it is heard: ``playing`` or ``lost``."""
        return Reply("/output", (str(self._live.choice), self._live.state))
