"""Encodes sound in a low-priority process, so that playing is not disturbed.

    submit -> queue -> thread "encoder" -- pipe --> process (nice 10): reads, encodes
    listener <-------- thread "reports" <-- pipe --'  Heard | Progressed | Finished | Failed

In order, except that a source is read, and heard, while those before it are still encoded. When the
process dies, all of its requests fail, and the next one gets a new process.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from export.bundle.format import Bundle
from server.decks.array_files import delete_with
from server.decks.encoder_process import NICENESS, EncodingRequest, Withdrawn, serve
from server.decks.graphs import EncodingGraphs, graphs_of
from server.decks.reading import Source, name_of
from server.decks.reports import Failed, Finished, Heard, Listener, Report
from server.system.callbacks import Soon
from server.system.priority import lower_priority
from server.system.processes import end_process


@dataclass(eq=False)
class _Running:
    """A process, and the requests that it was sent: names by ticket."""

    process: BaseProcess
    pipe: Connection
    sent: dict[int, str] = field(default_factory=dict)


class EncoderWorker:
    """Encodes files, captures and library decks; ``listener`` gets reports in other threads.

    The process starts with the first request, or at once where decks are heard at once: with
    bundles whose decoder gives spectra.
    """

    def __init__(
        self, graphs: EncodingGraphs, listener: Listener, folder: Path | None = None
    ) -> None:
        """Large arrays are handed over as files in ``folder``, else through the pipe."""
        self._graphs = graphs
        self._listener = listener
        self._folder = folder
        self._requests: queue.SimpleQueue[EncodingRequest | Withdrawn | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._tickets = 0
        self._wanted: dict[int, str] = {}
        self._running: _Running | None = None
        self._reports: threading.Thread | None = None
        self._is_stopped = False
        self._thread = threading.Thread(target=self._send_all, name="encoder", daemon=True)
        self._thread.start()

    @property
    def process_id(self) -> int | None:
        """The encoder process, while there is one."""
        running = self._running
        return None if running is None else running.process.pid

    def submit(self, source: Source) -> int:
        """Queue a source; return the ticket that is in every report about it."""
        with self._lock:
            self._tickets += 1
            self._wanted[self._tickets] = name_of(source)
            self._requests.put(EncodingRequest(self._tickets, source))
            return self._tickets

    def cancel(self, ticket: int) -> None:
        """Drop this one, or stop in the middle; nothing more is reported about it."""
        with self._lock:
            if self._wanted.pop(ticket, None) is not None:
                self._requests.put(Withdrawn(ticket))

    def stop(self) -> None:
        """End the process and the threads; nothing more is reported."""
        with self._lock:
            self._is_stopped = True
            self._wanted.clear()
            if self._running is not None:
                self._running.process.kill()
        self._requests.put(None)
        self._thread.join()
        if self._reports is not None:
            self._reports.join()

    def _send_all(self) -> None:
        if self._graphs.manifest.gives_spectra:
            self._connected()
        while (request := self._requests.get()) is not None:
            with self._lock:
                name = self._wanted.get(request.ticket)
            if name is None and isinstance(request, EncodingRequest):
                continue  # withdrawn before it was sent
            running = self._running if isinstance(request, Withdrawn) else self._connected()
            if running is None:
                continue
            if name is not None:
                running.sent[request.ticket] = name
            with contextlib.suppress(OSError):  # it has died, as the thread of reports will say
                running.pipe.send(request)
        with self._lock:
            running = self._running
        if running is not None:
            running.process.kill()

    def _connected(self) -> _Running | None:
        """The process, started if there is none; None if the worker has been stopped."""
        if self._has_stopped() or self._running is not None:
            return self._running
        running = _start_process(self._graphs, self._folder)
        with self._lock:
            self._running = running
            if self._is_stopped:
                running.process.kill()
            self._reports = threading.Thread(
                target=self._receive_all, args=(running,), name="reports", daemon=True
            )
            self._reports.start()
            return running

    def _has_stopped(self) -> bool:
        with self._lock:
            return self._is_stopped

    def _receive_all(self, running: _Running) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                report = running.pipe.recv()
                _own_files(report)
                with self._lock:
                    is_wanted = report.ticket in self._wanted
                    if isinstance(report, Finished | Failed):
                        running.sent.pop(report.ticket, None)
                        self._wanted.pop(report.ticket, None)
                if is_wanted:
                    self._listener(report)
                del report  # or its arrays, and their files, live on until the next one
        self._fail_all(running)

    def _fail_all(self, running: _Running) -> None:
        """The process has died, or was ended: its requests fail, if they are still wanted."""
        end_process(running.process, running.pipe)
        with self._lock:
            self._running = None
            failed = {t: name for t, name in running.sent.items() if self._wanted.pop(t, None)}
        for ticket, name in failed.items():
            how = f"exit code {running.process.exitcode}"
            self._listener(Failed(ticket, f"{name}: the encoder process died ({how})"))


def _own_files(report: Report) -> None:
    """From here on, the files of large arrays go with them."""
    match report:
        case Heard(recording=recording, is_whole=False):
            delete_with(recording.pcm)
        case Finished(deck=deck):
            if deck.recording is not None:
                delete_with(deck.recording.pcm)
            if deck.reference is not None:
                delete_with(deck.reference)


def start_encoder(
    bundle: Bundle, listener: Listener, soon: Soon, folder: Path | None = None
) -> EncoderWorker:
    """The encoder of ``bundle``; its reports reach ``listener`` through ``soon``."""
    return EncoderWorker(graphs_of(bundle), lambda report: soon(lambda: listener(report)), folder)


def _start_process(graphs: EncodingGraphs, folder: Path | None) -> _Running:
    """Start the process and the pipe to it; it inherits its low priority.

    It is started from a temporary thread, because a lowered priority cannot be raised again, and a
    low-priority thread that holds the interpreter's lock would delay the sound.
    """
    with ThreadPoolExecutor(1, initializer=lambda: lower_priority(NICENESS)) as thread:
        return thread.submit(_spawn, graphs, folder).result()


def _spawn(graphs: EncodingGraphs, folder: Path | None) -> _Running:
    # "spawn", because forking a process with threads and a sound card is not safe.
    context = multiprocessing.get_context("spawn")
    pipe, child_pipe = context.Pipe()
    process = context.Process(
        target=serve, args=(child_pipe, graphs, folder), name="encoder", daemon=True
    )
    process.start()
    child_pipe.close()
    return _Running(process, pipe)
