"""Live input: only with ``--input``; the last minute is kept.

device --> input process --> ring (shared) --> capture(seconds) --> encoder's worker
"""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from export.audio.model_input import SHORTEST_S, Captured
from server.controls.addresses import LONGEST_CAPTURE_S
from server.input.capture_ring import CaptureRing
from server.input.input_process import NotOpened, Opened, serve
from server.system.processes import end_process

OPENS_WITHIN_S = 15.0
SILENT_S = 1.0
"""A device that has delivered nothing for this long is lost."""

NO_INPUT = (
    "there is no live input; start the server with --input DEVICE (--list-devices shows them, "
    "--input default takes the system's default)"
)


class InputError(RuntimeError):
    """The input cannot be opened, or nothing can be captured now."""


@dataclass
class InputListener:
    """A capturing process, its device, and the ring it writes to."""

    process: BaseProcess
    pipe: Connection
    ring: CaptureRing
    device: Opened

    def end(self) -> None:
        """End the process."""
        end_process(self.process, self.pipe)


Start = Callable[[str], InputListener]


class LiveInput:
    """Captures one device from ``open`` to ``stop``; ``capture`` in the event loop's thread."""

    def __init__(
        self,
        device: str | None,
        start: Start | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._device = device
        self._start = start or start_listening
        self._now_s = now_s
        self._listener: InputListener | None = None
        self._reopening: threading.Thread | None = None
        self._is_stopped = False

    @property
    def description(self) -> str:
        """The input in a few words."""
        if self._listener is None:
            return "none"
        device = self._listener.device
        return f"{device.name} at {device.rate_hz:g} Hz, keeps the last {LONGEST_CAPTURE_S:g} s"

    def open(self) -> None:
        """Open the device, if one was chosen.

        Raises:
            InputError: there is no such device, or it does not start.
        """
        if self._device is not None:
            self._listener = self._start(self._device)

    def stop(self) -> None:
        """Stop; may be called twice."""
        self._is_stopped = True
        if self._reopening is not None:
            self._reopening.join(OPENS_WITHIN_S)
        if self._listener is not None:
            self._listener.end()
            self._listener = None

    def capture(self, seconds: float) -> Captured:
        """Return the last ``seconds`` of input, fewer if it has not run for so long.

        Raises:
            InputError: there is no input, the device is gone, or less than half a second was
                captured.
        """
        if self._device is None:
            raise InputError(NO_INPUT)
        listener = self._listener
        if listener is None or self._now_s() - listener.ring.written_s > SILENT_S:
            self._reopen()
            raise InputError(
                f"input '{self._device}' delivers nothing; reopening it, try again in a few seconds"
            )
        rate_hz = listener.device.rate_hz
        samples = listener.ring.last(round(seconds * rate_hz))
        if samples.size < SHORTEST_S * rate_hz:
            raise InputError(
                f"only {samples.size / rate_hz:.2f} s were captured so far; at least "
                f"{SHORTEST_S:g} s are needed"
            )
        return Captured(f"capture of {listener.device.name}", samples, round(rate_hz))

    def _reopen(self) -> None:
        """Restart a device that delivers nothing, in the background."""
        if self._reopening is None or not self._reopening.is_alive():
            self._reopening = threading.Thread(target=self._restart, daemon=True)
            self._reopening.start()

    def _restart(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.end()
        assert self._device is not None
        with contextlib.suppress(InputError):  # still gone; the next capture tries again
            opened = self._start(self._device)
            if self._is_stopped:
                opened.end()
            else:
                self._listener = opened


def start_listening(device: str) -> InputListener:
    """Start a process that captures ``device``.

    Raises:
        InputError: it does not start within ``OPENS_WITHIN_S``.
    """
    ring = CaptureRing()
    context = multiprocessing.get_context("spawn")
    pipe, child_pipe = context.Pipe()
    process = context.Process(
        target=serve, args=(child_pipe, ring, device), name="input", daemon=True
    )
    process.start()
    child_pipe.close()
    answer: Opened | NotOpened
    try:
        answer = pipe.recv() if pipe.poll(OPENS_WITHIN_S) else NotOpened("it does not answer")
    except (EOFError, OSError):
        answer = NotOpened("its process died")
    if isinstance(answer, Opened):
        return InputListener(process, pipe, ring, answer)
    end_process(process, pipe)
    raise InputError(f"--input {device}: {answer.reason}; --list-devices lists the devices")
