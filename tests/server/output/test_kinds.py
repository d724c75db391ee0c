"""A kind of output is one row of the table: parsing, errors and opening follow from it."""

from __future__ import annotations

import pytest

from server.output import kinds
from server.output.choice import CardChoice, ChoiceError, OutputChoice
from server.output.kinds import OUTPUT_KINDS, OutputKind, is_file, output_choice
from server.output.null import NullOutput
from server.output.opening import open_output


def test_a_new_kind_is_parsed_and_opened_once_its_row_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[OutputChoice] = []

    def open_tape(
        choice: OutputChoice, card: CardChoice, rate_hz: int, channels: int
    ) -> NullOutput:
        opened.append(choice)
        return NullOutput(rate_hz, channels)

    row = OutputKind("tape:REEL", "required", open=open_tape)
    monkeypatch.setattr(kinds, "OUTPUT_KINDS", {**OUTPUT_KINDS, "tape": row})
    monkeypatch.setattr("server.output.opening.OUTPUT_KINDS", kinds.OUTPUT_KINDS)
    choice = output_choice("tape:3")
    assert not is_file(choice)
    assert open_output(choice, CardChoice(), 48_000, 2).channels == 2
    assert opened == [OutputChoice("tape", "3")]
    with pytest.raises(ChoiceError, match="names no file; use tape:REEL"):
        output_choice("tape:")


@pytest.mark.parametrize("name", OUTPUT_KINDS)
def test_every_kind_can_be_written_as_its_form_says(name: str) -> None:
    for form in OUTPUT_KINDS[name].form.split(", "):
        assert str(output_choice(form)) == form
