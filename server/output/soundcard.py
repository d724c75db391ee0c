"""The sound card: a process that holds it (``server.output.card_process``), seen from the engine's.

    engine -> ring in shared memory -> callback in the card's process -> device

Only counters and samples pass between the two, without a lock. A card that stops asking for
samples, or whose process ends, is lost: whoever watches it opens another.
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
"""A driver that needs longer to open a device does not answer any more."""
FIRST_CALL_S = 4.0
"""Some devices, as those over radio, need seconds before they take the first sample."""
SILENT_S = 0.6
"""A device that asked for nothing for so long is lost; its buffers hold at most half a second."""
CLOSE_S = 1.0


class SoundCardOutput:
    """One sound card.

    Raises:
        NoSoundCard: there is no device at all.
        OutputError: it is not there, or cannot do what is asked of it.
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
        """How many channels are opened."""
        return self._card.channels

    def new_ring(self, capacity_samples: int) -> Ring:
        """The ring that it will take samples from, in memory that its process sees."""
        memory = self._memory.open(ring_bytes(capacity_samples, self.channels))
        return Ring(capacity_samples, self.channels, memory)

    def start(self, ring: Ring) -> None:
        """Begin to take samples from what ``new_ring`` gave.

        Raises:
            OutputError: the device does not start.
        """
        start = {"address": self._memory.address, "capacity": ring.capacity_samples}
        self.latency_s = float(self._process.ask({"start": start})["latency_s"])
        self._ring = ring
        self._calls, self._called_s = ring.calls, time.monotonic()
        self._patience_s = FIRST_CALL_S

    def is_lost(self) -> bool:
        """Whether it has stopped taking samples; ask several times a second."""
        assert self._ring is not None
        now_s = time.monotonic()
        if (calls := self._ring.calls) != self._calls:
            self._calls, self._called_s, self._patience_s = calls, now_s, SILENT_S
        return not self._process.is_alive or now_s - self._called_s > self._patience_s

    def stop(self) -> None:
        """End, at once where the driver hangs; may be called twice."""
        self._process.end()
        self._memory.close()


class _CardProcess:
    """A ``server.output.card_process`` and the way to talk to it."""

    def __init__(self, command: Sequence[str], memory: SharedMemory) -> None:
        self._process = subprocess.Popen(
            [*command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            **memory.spawning,
        )
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, name="sound card", daemon=True).start()

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def ask(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Its answer to ``command``.

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
        """End it: in good order where it can, else at once."""
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
        with self._process.stdout as said:
            for line in said:
                self._answers.put(line)
        self._answers.put("")
