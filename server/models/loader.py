"""``/model/load``: another bundle, made ready beside the music, then played in place of this one.

    load(name) -> thread: open, check, warm up, encode files anew -> install: decks, desk, fade
                                      '-- what is wrong with it: /fail, and nothing has changed

All of it happens away from the engine and from the event loop; these only take over what is ready.
The newest load wins: an older one that is not through yet fails.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from export.bundle.format import Bundle
from server.decks.encoder_worker import EncoderWorker, Failed, Finished, Report
from server.decks.encoding import Source
from server.decks.media import MediaError
from server.engine.deck import DeckData
from server.models.carried_decks import decks_for
from server.models.preparing import bundle_below, require_same_clock, try_out
from server.models.switch import Model
from server.system.callbacks import Later, Soon, Then
from server.system.priority import lower_priority

logger = logging.getLogger(__name__)

POLITE = 10
NEWER = "a newer /model/load came meanwhile"

Ready = Callable[[Bundle, str], Model]
"""A model of a bundle, named; see ``ready_model``."""


class Superseded(Exception):
    """A newer load has come."""


@dataclass
class _Load:
    """One ``/model/load`` under way."""

    number: int
    name: str
    then: Then
    lying: Mapping[str, DeckData]
    model: Model | None = None
    decks: Mapping[str, DeckData] | None = None
    failure: str | None = None


class ModelLoader:
    """Loads bundles; all calls in the thread of the event loop."""

    def __init__(
        self,
        media: Path,
        ready: Ready,
        playing: Callable[[], Model],
        install: Callable[[Model, Mapping[str, DeckData]], bool],
        soon: Soon,
        later: Later,
        block_frames: int,
    ) -> None:
        """``install`` plays a model with these decks, or says that it cannot yet (False)."""
        self._media = media
        self._ready = ready
        self._playing = playing
        self._install = install
        self._soon = soon
        self._later = later
        self._block_frames = block_frames
        self._loads = 0

    def load(self, name: str, then: Then) -> None:
        """Play the bundle ``name`` as soon as it is ready."""
        self._loads += 1
        self._work(_Load(self._loads, name, then, self._playing().engine.decks))

    def stop(self) -> None:
        """Let go of what is under way."""
        self._loads += 1

    def _work(self, load: _Load) -> None:
        before = self._playing().bundle
        work = partial(self._prepare, load, before)
        threading.Thread(target=work, name="model", daemon=True).start()

    def _prepare(self, load: _Load, before: Bundle) -> None:
        """In a thread of its own."""
        lower_priority(POLITE)
        try:
            if load.model is None:
                bundle = bundle_below(load.name, self._media)
                require_same_clock(bundle, before.manifest)
                self._require_newest(load)
                load.model = self._ready(bundle, load.name)
            with _Encoder(load.model.bundle) as encoder:
                encode = partial(encoder.encode, go_on=lambda: self._require_newest(load))
                load.decks = decks_for(
                    load.model.bundle, before, load.lying, self._media, encode, logger.warning
                )
            try_out(load.model, load.decks, self._block_frames)
        except Superseded:
            load.failure = NEWER
        except Exception as error:  # whatever is wrong with it, the old one plays on
            load.failure = " ".join(str(error).split()) or type(error).__name__
        self._soon(lambda: self._finish(load))

    def _finish(self, load: _Load) -> None:
        """Back in the event loop."""
        if load.number != self._loads:
            load.failure = NEWER
        if load.failure is not None or load.model is None or load.decks is None:
            load.then(load.failure)
            return
        lying = self._playing().engine.decks
        if _objects(lying) != _objects(load.lying):  # another was laid meanwhile
            load.lying = lying
            self._work(load)
        elif self._install(load.model, load.decks):
            load.then(None)
        else:
            self._later(0.05, lambda: self._finish(load))

    def _require_newest(self, load: _Load) -> None:
        if load.number != self._loads:
            raise Superseded


def _objects(decks: Mapping[str, DeckData]) -> Mapping[str, int]:
    return {name: id(deck) for name, deck in decks.items()}


class _Encoder:
    """A process that encodes files for the bundle that comes, started when there is one."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._worker: EncoderWorker | None = None

    def __enter__(self) -> _Encoder:
        return self

    def __exit__(self, *_: object) -> None:
        if self._worker is not None:
            self._worker.stop()

    def encode(self, source: Source, go_on: Callable[[], None]) -> DeckData:
        """The deck of a file or a capture; ``go_on`` is called now and then and may raise.

        Raises:
            MediaError: it cannot be used.
        """
        if self._worker is None:
            bundle = self._bundle
            self._worker = EncoderWorker(bundle.manifest, bundle.encoder_onnx, self._reports.put)
        self._worker.submit(source)
        while True:
            go_on()
            match self._reports.get():
                case Finished(deck=deck):
                    return deck
                case Failed(reason=reason):
                    raise MediaError(reason)
