"""What lay on the decks, for another model: the same music, as that one hears it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from export.bundle.format import Bundle
from server.controls.addresses import DECKS
from server.decks.encoding import Source
from server.engine.deck import DeckData, library_deck

Encode = Callable[[Source], DeckData]
"""A file or a capture through the encoder of the model that comes.

Raises:
    AudioError: it cannot be used.
"""


def decks_for(
    bundle: Bundle,
    before: Bundle,
    lying: Mapping[str, DeckData],
    media: Path,
    encode: Encode,
    say: Callable[[str], None],
) -> dict[str, DeckData]:
    """The decks of ``bundle`` in place of what is ``lying``, which are of the one ``before``.

    What was a file or captured is encoded anew and a library deck goes by its name; where neither
    is to be had, one of the bundle's own takes its place, the first on a, the second on b and so
    on; ``say`` is told.

    Raises:
        AudioError: a file that is no longer there or cannot be used.
    """
    found: dict[str, DeckData] = {}
    own = list(bundle.decks.values())
    for deck, data in lying.items():
        if data.source in bundle.decks:
            found[deck] = library_deck(bundle.decks[data.source])
        elif data.source and data.source not in before.decks:
            found[deck] = replace(encode(media / data.source), source=data.source)
        elif data.captured is not None:
            found[deck] = replace(encode(data.captured), captured=data.captured)
        elif own:
            instead = own[DECKS.index(deck) % len(own)]
            say(
                f"deck {deck}: bundle '{bundle.manifest.name}' has no {data.name}, so "
                f"{instead.slug} takes its place"
            )
            found[deck] = library_deck(instead)
        else:
            say(f"deck {deck}: bundle '{bundle.manifest.name}' has no {data.name}; it is empty")
    return found
