"""The process that holds the sound card: a small one that can be killed when a driver hangs.

PortAudio cannot recover in a process whose JACK server has died, and closing its stream takes
minutes. So the device lives in this process, fed through shared memory; its parent ends it and
starts another. Its audio callback has an interpreter to itself, too.

Commands arrive as JSON, one per line, and each gets a one-line answer; it exits after the last::

    {"find": {CardRequest}}            -> {"card": {CardFound}} | {"error": why, "no_card": bool}
    {"start": {address, capacity}}     -> {"latency_s": s}      | {"error": why, "no_card": bool}
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any, TextIO

from server.output.card_stream import CardFound, CardRequest, CardStream, find_card
from server.output.portaudio import load_portaudio
from server.output.protocol import NoSoundCard, OutputError
from server.output.ring_layout import ring_bytes
from server.output.ring_reader import RingReader
from server.output.shared_memory import open_shared
from server.system import library_output as native_noise
from server.system.interpreter import SWITCH_INTERVAL_S


class CardServer:
    """Answers commands about one sound card."""

    def __init__(self, load: Callable[[], Any] = load_portaudio) -> None:
        self._load = load
        self._portaudio: Any = None
        self._request: CardRequest | None = None
        self._card: CardFound | None = None
        self._stream: CardStream | None = None

    def serve(self, commands: Iterable[str], answers: TextIO) -> None:
        """Answer until there are no more commands."""
        for line in commands:
            try:
                with native_noise.hidden():
                    answer = self._answer(json.loads(line))
            except OutputError as error:
                answer = {"error": str(error), "no_card": isinstance(error, NoSoundCard)}
            print(json.dumps(answer), file=answers, flush=True)

    def _answer(self, command: Mapping[str, Any]) -> Mapping[str, Any]:
        if "find" in command:
            return {"card": asdict(self._find(CardRequest(**command["find"])))}
        return {"latency_s": self._start(**command["start"])}

    def _find(self, request: CardRequest) -> CardFound:
        self._portaudio = self._load()
        self._request = request
        self._card = find_card(self._portaudio, request)
        return self._card

    def _start(self, address: str, capacity: int) -> float:
        assert self._card is not None and self._request is not None  # "find" comes first
        channels = self._card.channels
        memory = open_shared(address, ring_bytes(capacity, channels))
        reader = RingReader(capacity, channels, memory)
        self._stream = CardStream(self._portaudio, self._card, self._request.latency, reader)
        gc.freeze()
        return self._stream.latency_s


def main() -> None:
    """Read commands from standard input and answer on standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it exits at the end of its input
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    # Keep what libraries print out of the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    CardServer().serve(sys.stdin, answers)
    os._exit(0)  # closing a stream whose driver is gone would take minutes


if __name__ == "__main__":
    main()
