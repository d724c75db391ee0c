"""``/model/load``: prepares another bundle in the background, then plays it in place of this one.

    load(name) -> thread: open, check, warm up, encode files anew -> install: decks, desk, fade
                                      '-- on an error: /fail, and nothing has changed

All of it happens outside of the engine's thread and the event loop; these only take over the
result. The newest load wins: an older one that is not done yet fails.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from export.bundle.format import Bundle
from server.decks.encoder_worker import EncoderWorker
from server.decks.graphs import graphs_of
from server.decks.media import MediaError
from server.decks.reading import Source
from server.decks.reports import Failed, Finished, Report
from server.engine.deck import DeckData
from server.models.carried_decks import decks_for
from server.models.commands import Install
from server.models.preparing import bundle_below, require_same_clock, try_out
from server.models.switch import Model, ModelSwitch
from server.system.callbacks import Later, Soon, Then
from server.system.priority import lower_priority

logger = logging.getLogger(__name__)

NICENESS = 10
NEWER_LOAD = "replaced by a newer /model/load"


class PrepareModel(Protocol):
    """Makes a model of a bundle, under a name: ``server.models.preparing.prepare_model``."""

    def __call__(self, bundle: Bundle, /, *, name: str) -> Model:
        """The model, ready to play."""


class Superseded(Exception):
    """There is a newer load."""


@dataclass
class _Load:
    """One ``/model/load`` in progress."""

    number: int
    name: str
    install: Install
    then: Then
    loaded: Mapping[str, DeckData]
    model: Model | None = None
    decks: Mapping[str, DeckData] | None = None
    failure: str | None = None


class ModelLoader:
    """Loads bundles; all calls in the event loop's thread."""

    def __init__(
        self,
        media: Path,
        prepare: PrepareModel,
        switch: ModelSwitch,
        soon: Soon,
        later: Later,
        block_frames: int,
        array_folder: Path | None = None,
    ) -> None:
        self._media = media
        self._prepare_model = prepare
        self._switch = switch
        self._soon = soon
        self._later = later
        self._block_frames = block_frames
        self._array_folder = array_folder
        self._loads = 0

    def load(self, name: str, install: Install, then: Then) -> None:
        """``install`` the bundle ``name`` as soon as it is ready."""
        self._loads += 1
        self._start(_Load(self._loads, name, install, then, self._switch.newest.engine.decks))

    def stop(self) -> None:
        """Give up the load in progress."""
        self._loads += 1

    def _start(self, load: _Load) -> None:
        previous = self._switch.newest.bundle
        run = partial(self._prepare, load, previous)
        threading.Thread(target=run, name="model", daemon=True).start()

    def _prepare(self, load: _Load, previous: Bundle) -> None:
        """Prepare model and decks; in a background thread."""
        lower_priority(NICENESS)
        try:
            if load.model is None:
                bundle = bundle_below(load.name, self._media)
                require_same_clock(bundle, previous.manifest)
                self._require_newest(load)
                load.model = self._prepare_model(bundle, name=load.name)
            with _Encoder(load.model.bundle, self._array_folder) as encoder:
                encode = partial(encoder.encode, check=lambda: self._require_newest(load))
                load.decks = decks_for(
                    load.model.bundle, previous, load.loaded, self._media, encode, logger.warning
                )
            try_out(load.model, load.decks, self._block_frames)
        except Superseded:
            load.failure = NEWER_LOAD
        except Exception as error:  # whatever is wrong with it, the present model plays on
            load.failure = " ".join(str(error).split()) or type(error).__name__
        self._soon(lambda: self._finish(load))

    def _finish(self, load: _Load) -> None:
        """Install the model; back in the event loop."""
        if load.number != self._loads:
            load.failure = NEWER_LOAD
        if load.failure is not None or load.model is None or load.decks is None:
            load.then(load.failure)
            return
        loaded = self._switch.newest.engine.decks
        if _identities(loaded) != _identities(load.loaded):  # another was loaded meanwhile
            load.loaded = loaded
            self._start(load)
        elif load.install(load.model, load.decks):
            load.then(None)
        else:
            self._later(0.05, lambda: self._finish(load))

    def _require_newest(self, load: _Load) -> None:
        if load.number != self._loads:
            raise Superseded


def _identities(decks: Mapping[str, DeckData]) -> Mapping[str, int]:
    return {name: id(deck) for name, deck in decks.items()}


class _Encoder:
    """A process that encodes files for the new bundle, started when there is one."""

    def __init__(self, bundle: Bundle, folder: Path | None) -> None:
        self._bundle = bundle
        self._folder = folder
        self._reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._worker: EncoderWorker | None = None

    def __enter__(self) -> _Encoder:
        return self

    def __exit__(self, *_: object) -> None:
        if self._worker is not None:
            self._worker.stop()

    def encode(self, source: Source, check: Callable[[], None]) -> DeckData:
        """Return the deck of a file or a capture; ``check`` is called now and then and may raise.

        Raises:
            MediaError: it cannot be used.
        """
        if self._worker is None:
            self._worker = EncoderWorker(graphs_of(self._bundle), self._reports.put, self._folder)
        self._worker.submit(source)
        while True:
            check()
            match self._reports.get():
                case Finished(deck=deck):
                    return deck
                case Failed(reason=reason):
                    raise MediaError(reason)
