"""Opens the output that was chosen; where there is no sound card at all, the null output."""

from __future__ import annotations

import logging

from export.bundle.format import Manifest
from server.output.card_stream import CardRequest
from server.output.choice import CardChoice, OutputChoice, output_choice
from server.output.live_output import LiveOutput, State
from server.output.null import NullOutput
from server.output.producer import Producer
from server.output.protocol import NoSoundCard, Output, OutputError
from server.output.soundcard import SoundCardOutput

logger = logging.getLogger(__name__)


def open_output(
    choice: OutputChoice, card: CardChoice, model_rate_hz: int, model_channels: int
) -> Output:
    """The live output that was chosen; a sound card runs at the model's rate where it can.

    Raises:
        NoSoundCard: there is no sound card.
        OutputError: not the one that was named, or it cannot do what is asked of it.
    """
    if choice.kind == "null":
        return NullOutput(card.rate_hz or model_rate_hz, card.width)
    return SoundCardOutput(
        CardRequest(
            device=choice.target,
            rate_hz=card.rate_hz,
            preferred_rate_hz=float(model_rate_hz),
            channels=card.width,
            may_be_mono=model_channels == 1 and card.width == 2,
            latency=card.latency,
        )
    )


def _begin(
    choice: OutputChoice,
    card: CardChoice,
    model_rate_hz: int,
    model_channels: int,
    last: str | None = None,
) -> tuple[OutputChoice, Output, State]:
    """The output to begin with: what was chosen, or after a death what was heard ``last``.

    Without any sound card, and after a death without the one that was heard, the null output
    stands in for it and it is to be tried again.

    Raises:
        OutputError: a sound card was named and is not there, or cannot do what is asked of it.
    """
    form = card, model_rate_hz, model_channels
    if last is not None:
        choice = output_choice(last)
    try:
        return choice, open_output(choice, *form), "playing"
    except OutputError as error:
        if last is None and (choice.target is not None or not isinstance(error, NoSoundCard)):
            raise
        logger.warning(
            "%s; playing on without sound, trying it again (--output wav:FILE renders to a file)",
            error,
        )
        return choice, open_output(OutputChoice("null"), *form), "lost"


def live_output(
    choice: OutputChoice,
    card: CardChoice,
    manifest: Manifest,
    producer: Producer,
    last: str | None = None,
) -> LiveOutput:
    """The output of ``producer``, to be started; see ``server.output.live_output``.

    After a death, ``last`` is what was heard then.

    Raises:
        OutputError: a sound card was named and is not there, or cannot do what is asked of it.
    """
    form = card, manifest.sample_rate_hz, manifest.channels
    heard, output, state = _begin(choice, *form, last)
    return LiveOutput(
        heard,
        producer.lane(output, card),
        lambda other: producer.lane(open_output(other, *form), card),
        producer.switch,
        state,
    )
