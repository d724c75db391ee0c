"""The kinds of output, one row each: add an output here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from server.output.card_stream import CardRequest
from server.output.choice import CardChoice, ChoiceError, OutputChoice
from server.output.null import NullOutput
from server.output.protocol import Output
from server.output.soundcard import SoundCardOutput

OpenOutput = Callable[[OutputChoice, CardChoice, int, int], Output]
"""Opens a live output for a model's rate in Hz and number of channels."""


@dataclass(frozen=True)
class OutputKind:
    """One kind: ``target`` says if a name or path follows it after a colon.

    A live kind has ``open``; a file kind has ``file_format``, one of libsndfile's.
    """

    form: str
    target: Literal["none", "optional", "required"]
    open: OpenOutput | None = None
    file_format: str | None = None


def _open_null(choice: OutputChoice, card: CardChoice, rate_hz: int, channels: int) -> Output:
    return NullOutput(card.rate_hz or rate_hz, card.width)


def _open_card(choice: OutputChoice, card: CardChoice, rate_hz: int, channels: int) -> Output:
    """Open a sound card, at the model's rate where it can."""
    return SoundCardOutput(
        CardRequest(
            device=choice.target,
            rate_hz=card.rate_hz,
            preferred_rate_hz=float(rate_hz),
            channels=card.width,
            may_be_mono=channels == 1 and card.width == 2,
            latency=card.latency,
        )
    )


OUTPUT_KINDS: Mapping[str, OutputKind] = {
    "soundcard": OutputKind("soundcard, soundcard:NAME", "optional", open=_open_card),
    "wav": OutputKind("wav:FILE", "required", file_format="WAV"),
    "flac": OutputKind("flac:FILE", "required", file_format="FLAC"),
    "null": OutputKind("null", "none", open=_open_null),
}

FILE_KINDS = tuple(name for name, kind in OUTPUT_KINDS.items() if kind.file_format)

_forms = [kind.form for kind in OUTPUT_KINDS.values()]
FORMS = f"{', '.join(_forms[:-1])} or {_forms[-1]}"
"""All that ``--output`` takes, for help and errors."""


def output_choice(text: str) -> OutputChoice:
    """Parse one of ``FORMS``.

    >>> output_choice("soundcard:Built-in")
    OutputChoice(kind='soundcard', target='Built-in')

    Raises:
        ChoiceError: it is none of these.
    """
    name, colon, target = text.partition(":")
    kind = OUTPUT_KINDS.get(name)
    if kind is None:
        raise ChoiceError(f"'{text}' is not an output; use {FORMS}")
    if kind.target == "required" and not target:
        raise ChoiceError(f"'{text}' names no file; use {kind.form}")
    if (kind.target == "none" and colon) or (colon and not target):
        raise ChoiceError(f"'{text}' is not an output; nothing may follow '{name}:'")
    return OutputChoice(name, target or None)


def is_file(choice: OutputChoice) -> bool:
    """Return True if a file is rendered instead of playing live."""
    return OUTPUT_KINDS[choice.kind].file_format is not None
