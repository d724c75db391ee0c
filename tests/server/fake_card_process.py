"""The sound card's process with a card made of Python: MODE FOLDER.

Its callback is called every 5 ms while ``FOLDER/plugged`` exists. Without it, in MODE ``hangs`` the
process neither plays nor ends by itself; in MODE ``dies`` it exits.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from server.output.card_process import CardServer
from tests.server.fake_portaudio import FakePortAudio, FakeStream

PERIOD_S = 0.005


class CallingPortAudio(FakePortAudio):
    """A fake PortAudio that calls back by itself while the card is plugged in."""

    def __init__(self, folder: Path) -> None:
        plugged = (folder / "plugged").exists()
        super().__init__(devices=1 if plugged else 0, rates_hz=(48_000.0, 44_100.0))
        self._folder = folder

    def RawOutputStream(self, **settings: Any) -> FakeStream:
        stream = super().RawOutputStream(**settings)
        threading.Thread(target=self._call, args=(stream,), daemon=True).start()
        return stream

    def _call(self, stream: FakeStream) -> None:
        with (self._folder / "played").open("ab") as played:
            while (self._folder / "plugged").exists():
                played.write(stream.call(round(PERIOD_S * 48_000)).tobytes())
                played.flush()
                time.sleep(PERIOD_S)
        if sys.argv[1] == "dies":
            os._exit(3)


def main() -> None:
    """Answer until there are no more commands."""
    folder = Path(sys.argv[2])
    CardServer(lambda: CallingPortAudio(folder)).serve(sys.stdin, sys.stdout)
    while sys.argv[1] == "hangs":
        time.sleep(1)
    os._exit(0)


if __name__ == "__main__":
    main()
