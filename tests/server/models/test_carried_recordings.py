"""Library decks that keep their recordings go through the encoder of a new model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from server.decks.reading import Source
from server.engine.deck import DeckData
from server.models.carried_decks import decks_for
from tests import mini_bundle, spectral_bundle
from tests.server.fakes import fake_deck


def test_a_library_deck_with_a_recording_is_completed_and_one_without_loads_at_once() -> None:
    low, high = (mini_bundle.deck(slug, 0.2, 1) for slug in ("low", "high"))
    bundle = replace(
        spectral_bundle.bundle(), decks={"low": replace(low, recording=b"Ogg"), "high": high}
    )
    completed: list[Source] = []

    def encode(source: Source) -> DeckData:
        completed.append(source)
        return fake_deck("completed", 0.0)

    loaded = {
        deck: replace(fake_deck(slug, 0.0), source=slug)
        for deck, slug in (("a", "low"), ("b", "high"))
    }
    reports: list[str] = []
    found = decks_for(bundle, bundle, loaded, Path("."), encode, reports.append)
    assert {deck: data.name for deck, data in found.items()} == {"a": "completed", "b": "high"}
    assert completed == [bundle.decks["low"]] and not reports
