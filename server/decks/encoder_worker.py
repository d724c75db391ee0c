"""Encodes sound in a low-priority process, so that playing is not disturbed.

    submit -> queue -> thread "encoder" -- pipe --> process (nice 10): DeckEncoder
                             '-> listener(Progressed | Finished | Failed)

One request at a time, in order. When the process dies, its request fails and the next one gets a
new process; cancelling the request that is being encoded kills the process, at once.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import queue
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from export.audio.model_input import Captured
from export.bundle.format import Bundle, Manifest
from server.decks.encoding import DeckEncoder, Source
from server.engine.deck import DeckData
from server.engine.runtime import RuntimeOptions
from server.system.callbacks import Soon
from server.system.priority import lower_priority
from server.system.processes import end_process

NICENESS = 10


@dataclass(frozen=True)
class Progressed:
    """The share of request ``ticket`` that is encoded, 0..1."""

    ticket: int
    share: float


@dataclass(frozen=True)
class Finished:
    """Request ``ticket`` gave a deck."""

    ticket: int
    deck: DeckData


@dataclass(frozen=True)
class Failed:
    """Request ``ticket`` failed; ``reason`` is one line."""

    ticket: int
    reason: str


Report = Progressed | Finished | Failed
Listener = Callable[[Report], None]
"""Called in the worker's thread; must hand over and return."""


class EncoderWorker:
    """Encodes in the background; the process starts with the first request."""

    def __init__(self, manifest: Manifest, encoder_onnx: bytes, listener: Listener) -> None:
        self._setup = (manifest, encoder_onnx)
        self._listener = listener
        self._requests: queue.SimpleQueue[tuple[int, Source] | None] = queue.SimpleQueue()
        self._tickets = 0
        self._cancelled: set[int] = set()
        self._encoding: int | None = None
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="encoder", daemon=True)
        self._thread.start()

    @property
    def process_id(self) -> int | None:
        """The encoder process, once there is one."""
        return None if self._process is None else self._process.pid

    def submit(self, source: Source) -> int:
        """Queue a file or a capture; return the ticket that is in every report about it."""
        self._tickets += 1
        self._requests.put((self._tickets, source))
        return self._tickets

    def cancel(self, ticket: int) -> None:
        """Drop this one, or stop in the middle; nothing more is reported about it."""
        with self._lock:
            self._cancelled.add(ticket)
            if self._encoding == ticket and self._process is not None:
                self._process.kill()

    def stop(self) -> None:
        """End the process and the thread; queued requests are dropped."""
        with self._lock:
            self._stopping.set()
            if self._process is not None:
                self._process.kill()
        self._requests.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (request := self._requests.get()) is not None and not self._stopping.is_set():
            ticket, source = request
            with self._lock:
                self._encoding = ticket
            report = self._encode(ticket, source)
            with self._lock:
                self._encoding = None
                is_cancelled = ticket in self._cancelled
                self._cancelled.discard(ticket)
            if is_cancelled:
                self._end_process()  # it was killed, perhaps after its last report
            elif not self._stopping.is_set():
                self._listener(report)
        self._end_process()

    def _encode(self, ticket: int, source: Source) -> Report:
        """Send one request and pass its progress on; return the last report about it."""
        try:
            pipe = self._connected(ticket)
            pipe.send((ticket, source))
            while isinstance(report := pipe.recv(), Progressed):
                self._listener(report)
            assert isinstance(report, Finished | Failed)
            return report
        except (EOFError, OSError):
            name = source.name if isinstance(source, Captured) else source
            return Failed(ticket, f"{name}: the encoder process died ({self._end_process()})")

    def _connected(self, ticket: int) -> Connection:
        with self._lock:
            if self._stopping.is_set() or ticket in self._cancelled:
                raise EOFError
            if self._pipe is None:
                self._pipe, self._process = _start_process(*self._setup)
            return self._pipe

    def _end_process(self) -> str:
        """Make sure the process is gone; return how it ended."""
        with self._lock:
            process, self._process = self._process, None
            pipe, self._pipe = self._pipe, None
        if process is None or pipe is None:
            return "it was not running"
        end_process(process, pipe)
        return f"exit code {process.exitcode}"


def start_encoder(bundle: Bundle, listener: Listener, soon: Soon) -> EncoderWorker:
    """The encoder of ``bundle``; its reports reach ``listener`` through ``soon``."""
    return EncoderWorker(
        bundle.manifest, bundle.encoder_onnx, lambda report: soon(lambda: listener(report))
    )


def _start_process(manifest: Manifest, encoder_onnx: bytes) -> tuple[Connection, BaseProcess]:
    """Start the process and the pipe to it; it inherits its low priority.

    It is started from a temporary thread, because a lowered priority cannot be raised again, and a
    low-priority thread that holds the interpreter's lock would delay the sound.
    """
    with ThreadPoolExecutor(1, initializer=lambda: lower_priority(NICENESS)) as thread:
        return thread.submit(_spawn, manifest, encoder_onnx).result()


def _spawn(manifest: Manifest, encoder_onnx: bytes) -> tuple[Connection, BaseProcess]:
    # "spawn", because forking a process with threads and a sound card is not safe.
    context = multiprocessing.get_context("spawn")
    pipe, child_pipe = context.Pipe()
    process = context.Process(
        target=_serve, args=(child_pipe, manifest, encoder_onnx), name="encoder", daemon=True
    )
    process.start()
    child_pipe.close()
    return pipe, process


def _serve(pipe: Connection, manifest: Manifest, encoder_onnx: bytes) -> None:
    """The process: encode requests until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lower_priority(NICENESS)
    encoder: DeckEncoder | None = None
    with contextlib.suppress(EOFError, OSError):
        while True:
            ticket, source = pipe.recv()
            try:
                encoder = encoder or DeckEncoder(manifest, encoder_onnx, RuntimeOptions("cpu"))
                pipe.send(Finished(ticket, encoder.encode(source, _reporter(pipe, ticket))))
            except Exception as error:  # whatever is wrong with this file, the next may be good
                pipe.send(Failed(ticket, " ".join(str(error).split())))


def _reporter(pipe: Connection, ticket: int) -> Callable[[float], None]:
    return lambda share: pipe.send(Progressed(ticket, share))
