"""Queries of values (an address without arguments), and ``/glide``."""

from __future__ import annotations

from collections.abc import Mapping

from server.controls.addresses import POSITION
from server.controls.desk import Desk, glide_s
from server.controls.events import Event, Query, SetGlide
from server.controls.feature import Feature, Handler
from server.controls.notify import NotifyClients
from server.controls.playing import Playing
from server.controls.replies import Reply


class ValueQueries(Feature):
    """Answers from the desk; ``/position`` from the playhead, which moves by itself."""

    def __init__(self, desk: Desk, playing: Playing, notify: NotifyClients) -> None:
        self._desk = desk
        self._playing = playing
        self._notify = notify

    def handlers(self) -> Mapping[type[Event], Handler]:
        """Queries of a value or a glide, and changes of a glide."""
        return {Query: self._on_query, SetGlide: self._on_glide}

    def _on_query(self, event: Query) -> None:
        if event.address == POSITION:
            event.answer(Reply(POSITION, (self._playing.newest.engine.position,)))
        else:
            event.answer(self._desk.answer(event.address))

    def _on_glide(self, event: SetGlide) -> None:
        reply = Reply("/glide", (event.address, glide_s(self._desk.snapshot(), event.address)))
        if event.is_question:
            event.answer(reply)
        else:
            self._notify(reply, event.reply_to)
