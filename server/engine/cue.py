"""The cue: one deck alone, for the performer's headphones, on the second pair of channels.

    deck of /cue -> separate engine (its style and structure, no offsets) -> cue pair
                       ^-- the main playhead, copied before every block

A separate session decodes it, at the same cost as the main one, and only while the cue is on. While
the main sound is stopped, the cue runs by itself.
"""

from __future__ import annotations

import copy
from dataclasses import replace

from export.audio.arrays import Floats
from export.bundle.format import Bundle
from server.controls.addresses import DECKS, POSITION
from server.controls.desk import Desk, Segment, Snapshot
from server.controls.note import NO_NOTE
from server.engine.engine import Engine
from server.engine.runtime import RuntimeOptions
from server.engine.session import OrtDecoderSession, warm_up

CUE, CUE_LEVEL = "/cue", "/cue/level"

NO_CUE = "there is no second pair of channels; start with --cue 3,4 on a sound card that has them"

_SHARED = ("/speed", "/freeze", POSITION, "/loop/start", "/loop/end")
"""Controls that move both playheads; all others have their default values."""


class Cue:
    """Renders beside ``main``, in the same thread; ``cue_engine`` reads ``desk``."""

    def __init__(self, main: Engine, cue_engine: Engine, desk: CueDesk) -> None:
        self._main = main
        self._cue_engine = cue_engine
        self._desk = desk
        self._is_silent = True

    def render(self, frames: int) -> Floats | None:
        """Return the next ``frames`` frames, (C, frames*hop); None if off.

        Call it before the main engine's ``render``.
        """
        deck_name = self._desk.deck
        deck = None if deck_name is None else self._main.decks.get(deck_name)
        self._desk.is_on = deck is not None
        if deck is None and self._is_silent:
            return None
        if deck is not None and deck is not self._cue_engine.decks.get("a"):
            self._cue_engine.put_deck("a", deck)
        if self._desk.is_main_playing:
            self._cue_engine.playhead = copy.deepcopy(self._main.playhead)
        sound = self._cue_engine.render(frames)
        self._is_silent = deck is None and not sound.any()
        return sound


class CueDesk:
    """The desk as the cue's engine sees it: a ``SnapshotSource``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.is_on = False

    @property
    def deck(self) -> str | None:
        """The deck that ``/cue`` names; None if it is off."""
        number = int(self._desk.snapshot().value(CUE))
        return DECKS[number - 1] if number else None

    @property
    def is_main_playing(self) -> bool:
        """True while the main playhead moves."""
        return self._desk.snapshot().playing

    def snapshot(self) -> Snapshot:
        """One deck, loaded on deck ``a``, with the main playhead's controls."""
        state = self._desk.snapshot()
        slots, values = state.table.slots, list(state.table.defaults)
        for address in _SHARED:
            values[slots[address][0]] = state.value(address)
        values[slots["/level"][0]] = state.value(CUE_LEVEL)
        values[slots["/deck/a/style"][0]] = state.value(f"/deck/{self.deck or 'a'}/style")
        return replace(state, values=tuple(values), playing=self.is_on, note=NO_NOTE)

    def segments(self, frames: int) -> tuple[Segment, ...]:
        """That snapshot for all of the next ``frames`` frames."""
        return (Segment(self.snapshot(), frames),)


def open_cue(bundle: Bundle, options: RuntimeOptions, frames: int, desk: Desk, main: Engine) -> Cue:
    """Open the cue beside ``main``, ready to play blocks of ``frames``.

    Raises:
        RuntimeUnavailable: the decoder does not load, or the device cannot be used.
    """
    session = OrtDecoderSession(bundle, options, frames)
    warm_up(session, bundle.manifest, frames)
    view = CueDesk(desk)
    return Cue(main, Engine(bundle.manifest, bundle.latents, session, view), view)
