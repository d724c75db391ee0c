"""Carries loaded decks over to another model: the same music, encoded for that one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from export.bundle.format import Bundle, BundleDeck
from server.controls.addresses import DECKS
from server.decks.reading import Source, needs_encoder
from server.engine.deck import DeckData, library_deck

Encode = Callable[[Source], DeckData]
"""Encode a file, a capture, or a library deck's recording, with the new model's encoder.

Raises:
    AudioError: it cannot be used.
"""


def decks_for(
    bundle: Bundle,
    previous: Bundle,
    loaded: Mapping[str, DeckData],
    media: Path,
    encode: Encode,
    report: Callable[[str], None],
) -> dict[str, DeckData]:
    """Return the decks of ``bundle`` in place of the ``loaded`` ones, which are of ``previous``.

    Files and captures are encoded again and library decks found by name; where neither works, one
    of the bundle's library decks takes the place, the first on a, the second on b and so on, and
    ``report`` is called.

    Raises:
        AudioError: a file is missing or cannot be used.
    """

    def whole(stored: BundleDeck) -> DeckData:
        needs = needs_encoder(stored, bundle.manifest)
        return encode(stored) if needs else library_deck(stored)

    found: dict[str, DeckData] = {}
    own = list(bundle.decks.values())
    for deck, data in loaded.items():
        if data.source in bundle.decks:
            found[deck] = whole(bundle.decks[data.source])
        elif data.source and data.source not in previous.decks:
            found[deck] = replace(encode(media / data.source), source=data.source)
        elif data.captured is not None:
            found[deck] = replace(encode(data.captured), captured=data.captured)
        elif own:
            substitute = own[DECKS.index(deck) % len(own)]
            report(
                f"deck {deck}: bundle '{bundle.manifest.name}' has no {data.name}, so "
                f"{substitute.slug} takes its place"
            )
            found[deck] = whole(substitute)
        else:
            report(f"deck {deck}: bundle '{bundle.manifest.name}' has no {data.name}; it is empty")
    return found
