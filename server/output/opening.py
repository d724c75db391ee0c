"""Opens the chosen output; without any sound card, the null output."""

from __future__ import annotations

import logging

from export.bundle.format import Manifest
from server.engine.synthesis import CHANNELS
from server.output.choice import CardChoice, OutputChoice
from server.output.kinds import OUTPUT_KINDS, output_choice
from server.output.live_output import LiveOutput, State
from server.output.producer import Producer
from server.output.protocol import NoSoundCard, Output, OutputError

logger = logging.getLogger(__name__)


def open_output(
    choice: OutputChoice, card: CardChoice, model_rate_hz: int, model_channels: int
) -> Output:
    """Open the chosen live output.

    Raises:
        NoSoundCard: there is no sound card.
        OutputError: there is no such card, or it cannot do what is asked of it.
    """
    open_kind = OUTPUT_KINDS[choice.kind].open
    assert open_kind is not None, f"{choice} is not a live output"
    return open_kind(choice, card, model_rate_hz, model_channels)


def _open_first(
    choice: OutputChoice,
    card: CardChoice,
    model_rate_hz: int,
    model_channels: int,
    last: str | None = None,
) -> tuple[OutputChoice, Output, State]:
    """Open the first output: the chosen one, or after a crash the ``last`` one.

    Without any sound card, and after a crash without the last one, the null output stands in until
    it can be opened.

    Raises:
        OutputError: a named sound card is missing, or cannot do what is asked of it.
    """
    card_and_model = card, model_rate_hz, model_channels
    if last is not None:
        choice = output_choice(last)
    try:
        return choice, open_output(choice, *card_and_model), "playing"
    except OutputError as error:
        if last is None and (choice.target is not None or not isinstance(error, NoSoundCard)):
            raise
        logger.warning(
            "%s; continuing without sound, trying to open it (--output wav:FILE renders to a file)",
            error,
        )
        return choice, open_output(OutputChoice("null"), *card_and_model), "lost"


def live_output(
    choice: OutputChoice,
    card: CardChoice,
    manifest: Manifest,
    producer: Producer,
    last: str | None = None,
) -> LiveOutput:
    """Make the output of ``producer``, to be started; see ``server.output.live_output``.

    After a crash, ``last`` is the output that was in use.

    Raises:
        OutputError: a named sound card is missing, or cannot do what is asked of it.
    """
    card_and_model = card, manifest.sample_rate_hz, CHANNELS
    first, output, state = _open_first(choice, *card_and_model, last)
    return LiveOutput(
        first,
        producer.path_to(output, card),
        lambda other: producer.path_to(open_output(other, *card_and_model), card),
        producer.switch,
        state,
    )
