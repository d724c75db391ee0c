"""The process that encodes: one thread reads, the other encodes, both at low priority.

    pipe: sources -> reading -> Heard ... -> encoding -> Progressed ... -> Finished    | or Failed
                     the next source is read, and so heard, while this one is encoded

A source that is no longer wanted is dropped between two blocks or windows.
"""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from export.bundle.format import BundleDeck
from server.decks.array_files import ArrayFiles, delete, send_by_name
from server.decks.reading import ReadSource, Source, read_source
from server.decks.reports import Failed, Finished, Heard, Progressed, Report
from server.engine.deck import Recording
from server.system.priority import lower_priority

if TYPE_CHECKING:
    from server.decks.encoding import DeckEncoder
    from server.decks.graphs import EncodingGraphs

NICENESS = 10
_FIRST_SOURCE_S = 2.0
"""Time for a source that is there from the start."""


@dataclass(frozen=True)
class EncodingRequest:
    """Encode ``source``; every report about it has the ``ticket``."""

    ticket: int
    source: Source


@dataclass(frozen=True)
class Withdrawn:
    """Request ``ticket`` is no longer wanted; nothing more is reported about it."""

    ticket: int


class _NotWanted(Exception):
    """The request has been withdrawn."""


def serve(pipe: Connection, graphs: EncodingGraphs, folder: Path | None) -> None:
    """The process: encode requests until the pipe closes; large arrays go into ``folder``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lower_priority(NICENESS)
    send_by_name()
    _Service(pipe, graphs, ArrayFiles(folder)).run()


class _Service:
    def __init__(self, pipe: Connection, graphs: EncodingGraphs, files: ArrayFiles) -> None:
        self._pipe = pipe
        self._graphs = graphs
        self._files = files
        self._sending = threading.Lock()
        self._withdrawn: set[int] = set()
        self._to_read: queue.SimpleQueue[EncodingRequest] = queue.SimpleQueue()
        self._to_encode: queue.SimpleQueue[tuple[int, ReadSource]] = queue.SimpleQueue()
        self._encoder: DeckEncoder | None = None

    def run(self) -> None:
        for work in (self._read_all, self._encode_all):
            threading.Thread(target=work, daemon=True).start()
        with contextlib.suppress(EOFError, OSError):
            while True:
                match self._pipe.recv():
                    case EncodingRequest() as request:
                        self._to_read.put(request)
                    case Withdrawn(ticket=ticket):
                        self._withdrawn.add(ticket)

    def _read_all(self) -> None:
        _import_what_reading_needs()
        threading.Thread(target=_import_what_loudness_needs, daemon=True).start()
        while True:
            request = self._to_read.get()
            self._reporting_failure(request.ticket, partial(self._read, request))

    def _read(self, request: EncodingRequest) -> None:
        ticket, manifest = request.ticket, self._graphs.manifest

        # The file of a library deck stays, since its gain is known; that of others is replaced.
        stays = isinstance(request.source, BundleDeck)

        def heard(name: str, recording: Recording, gain_db: float) -> None:
            self._send(Heard(ticket, name, recording, gain_db, is_whole=stays))

        read = read_source(
            request.source,
            manifest,
            self._files,
            heard if manifest.gives_spectra else None,
            lambda: self._require_wanted(ticket),
        )
        if manifest.gives_spectra and not stays:
            self._send(Heard(ticket, read.name, read.recording, read.gain_db, is_whole=True))
        self._to_encode.put((ticket, read))

    def _encode_all(self) -> None:
        while True:
            ticket, read = self._to_encode.get()
            if not self._reporting_failure(ticket, partial(self._encode, ticket, read)):
                delete(read.recording.pcm)
            del read  # or its arrays live on until the next one

    def _encode(self, ticket: int, read: ReadSource) -> None:
        # ONNX Runtime is slow to load, and reading must not wait for it.
        from server.decks.encoding import DeckEncoder
        from server.engine.runtime import RuntimeOptions

        def progress(share: float) -> None:
            self._require_wanted(ticket)
            self._send(Progressed(ticket, share))

        self._require_wanted(ticket)
        if self._encoder is None:
            self._encoder = DeckEncoder(self._graphs, RuntimeOptions("cpu"), self._files)
        self._send(Finished(ticket, self._encoder.encode_read(read, progress)))

    def _reporting_failure(self, ticket: int, work: Callable[[], None]) -> bool:
        """Do ``work``; return whether it is done."""
        try:
            self._require_wanted(ticket)
            work()
            return True
        except _NotWanted:
            return False
        except Exception as error:  # whatever is wrong with this file, the next may be good
            self._send(Failed(ticket, " ".join(str(error).split()) or type(error).__name__))
            return False

    def _require_wanted(self, ticket: int) -> None:
        if ticket in self._withdrawn:
            raise _NotWanted

    def _send(self, report: Report) -> None:
        with self._sending, contextlib.suppress(OSError):  # closed: the process is about to end
            self._pipe.send(report)


def _import_what_reading_needs() -> None:
    """So that the first file does not wait for it."""
    import av
    import soxr

    del av, soxr


def _import_what_loudness_needs() -> None:
    """It takes seconds, and the first source must not be heard later because of it."""
    time.sleep(_FIRST_SOURCE_S)
    import pyloudnorm

    del pyloudnorm
