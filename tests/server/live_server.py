"""``python -m server`` in its own process with the null output, and an OSC client."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder


class Playing:
    """A running server in its own process, and an OSC client connected to it."""

    def __init__(self, process: subprocess.Popen[str], client: socket.socket) -> None:
        self.process = process
        self.client = client
        self.lines: SimpleQueue[str] = SimpleQueue()
        Thread(target=self._read, daemon=True).start()
        said = ""
        while not (found := re.search(r"^OSC on (.*):(\d+)$", said, re.MULTILINE)):
            said += self.lines.get(timeout=60)
        client.connect((found[1], int(found[2])))
        while "playing" not in said:
            said += self.lines.get(timeout=60)
        self.said = said

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line)

    def ask(self, address: str, *arguments: float | str) -> OscMessage:
        self.tell(address, *arguments)
        return self.receive()

    def tell(self, address: str, *arguments: float | str) -> None:
        builder = OscMessageBuilder(address)
        for argument in arguments:
            builder.add_arg(argument)
        self.client.send(builder.build().dgram)

    def receive(self) -> OscMessage:
        """Return the next message from the server, skipping progress."""
        while True:
            message = OscMessage(self.client.recv(65536))
            if not message.address.endswith("/progress"):
                return message


@contextmanager
def playing(
    bundle: Path, *arguments: str, command: Sequence[str] = (sys.executable, "-m", "server")
) -> Iterator[Playing]:
    usual = ["--output", "null", "--osc", "127.0.0.1:0", "--midi", "none", "--block", "4"]
    with (
        subprocess.Popen(
            [*command, "--bundle", str(bundle), *usual, *arguments],
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        try:
            client.settimeout(90)
            yield Playing(process, client)
        finally:
            if process.poll() is None:
                process.kill()
