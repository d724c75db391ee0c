"""The sound card, seen from the engine's process: controls ``server.output.card_process``.

    engine -> ring in shared memory -> callback in the card's process -> device

Only counters and samples pass between the two, without a lock. A card that stops asking for
samples, or whose process ends, is lost; ``live_output`` then opens another.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from server.output.card_stream import CardFound, CardRequest
from server.output.protocol import NoSoundCard, OutputError
from server.output.ring import Ring
from server.output.ring_layout import ring_bytes
from server.output.shared_memory import SharedMemory

COMMAND = (sys.executable, "-m", "server.output.card_process")

ANSWER_S = 10.0
"""A driver that takes longer to open a device is considered dead."""
FIRST_CALL_S = 4.0
"""Some devices, such as Bluetooth ones, take seconds before they ask for the first sample."""
SILENT_S = 0.6
"""A device that has asked for nothing for so long is lost; it buffers half a second at most."""
CLOSE_S = 1.0


class SoundCardOutput:
    """One sound card.

    Raises:
        NoSoundCard: there is no device at all.
        OutputError: there is no such card, or it cannot do what is asked of it.
    """

    def __init__(self, request: CardRequest, command: Sequence[str] = COMMAND) -> None:
        self._memory = SharedMemory()
        self._process = _CardProcess(command, self._memory)
        self._ring: Ring | None = None
        self.latency_s = 0.0
        try:
            answer = self._process.ask({"find": asdict(request)})
        except OutputError:
            self.stop()
            raise
        self._card = CardFound(**answer["card"])

    @property
    def name(self) -> str:
        """The device's name."""
        return self._card.name

    @property
    def sample_rate_hz(self) -> float:
        """The rate at which it takes samples."""
        return self._card.rate_hz

    @property
    def channels(self) -> int:
        """The number of open channels."""
        return self._card.channels

    def new_ring(self, capacity_samples: int) -> Ring:
        """Make the ring that it will take samples from, in memory shared with its process."""
        memory = self._memory.open(ring_bytes(capacity_samples, self.channels))
        return Ring(capacity_samples, self.channels, memory)

    def start(self, ring: Ring) -> None:
        """Start taking samples from ``new_ring``'s ring.

        Raises:
            OutputError: the device does not start.
        """
        start = {"address": self._memory.address, "capacity": ring.capacity_samples}
        self.latency_s = float(self._process.ask({"start": start})["latency_s"])
        self._ring = ring
        self._calls, self._called_s = ring.calls, time.monotonic()
        self._patience_s = FIRST_CALL_S

    def is_lost(self) -> bool:
        """Return True once it takes no more samples; call several times a second."""
        assert self._ring is not None
        now_s = time.monotonic()
        if (calls := self._ring.calls) != self._calls:
            self._calls, self._called_s, self._patience_s = calls, now_s, SILENT_S
        return not self._process.is_alive or now_s - self._called_s > self._patience_s

    def stop(self) -> None:
        """Stop, at once where the driver hangs; may be called twice."""
        self._process.end()
        self._memory.close()


class _CardProcess:
    """A ``server.output.card_process`` and the pipes to it."""

    def __init__(self, command: Sequence[str], memory: SharedMemory) -> None:
        self._process = subprocess.Popen(
            [*command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            **memory.popen_options,
        )
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, name="sound card", daemon=True).start()

    @property
    def is_alive(self) -> bool:
        """True while the process runs."""
        return self._process.poll() is None

    def ask(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Return its answer to ``command``.

        Raises:
            OutputError: it answers with an error, or not at all.
        """
        assert self._process.stdin is not None
        try:
            print(json.dumps(command), file=self._process.stdin, flush=True)
            line = self._answers.get(timeout=ANSWER_S)
        except (OSError, queue.Empty):
            line = ""
        if not line:
            self.end()
            raise OutputError("the sound card's driver does not answer")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise (NoSoundCard if answer["no_card"] else OutputError)(answer["error"])
        return answer

    def end(self) -> None:
        """End the process: by closing its input, else by force."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(CLOSE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as answers:
            for line in answers:
                self._answers.put(line)
        self._answers.put("")
