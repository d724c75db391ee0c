"""Each kind of MIDI message, sent by another process, moves a control of ``python -m server``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from export.bundle.archive import write_bundle
from tests import mini_bundle
from tests.real.controllers import Controller, controller
from tests.real.jack_server import JackServer
from tests.real.needs import needs_jack_midi
from tests.server.live_server import Playing, playing
from tests.waiting import until

BYTES: dict[str, tuple[dict[str, object], list[str], float]] = {
    "control change": ({"kind": "cc", "number": 9}, ["B0 09 40"], 64 / 127),
    "14 bits": ({"kind": "cc", "number": 7}, ["B0 07 40", "B0 27 01"], 8193 / 16383),
    "NRPN": (
        {"kind": "nrpn", "number": 300},
        ["B0 63 02", "B0 62 2C", "B0 06 20", "B0 26 01"],
        4097 / 16383,
    ),
    "RPN": ({"kind": "rpn", "number": 2}, ["B0 65 00", "B0 64 02", "B0 06 10"], 16 / 127),
    "pitch bend": ({"kind": "bend"}, ["E0 7F 7F"], 1.0),
    "channel pressure": ({"kind": "pressure"}, ["D0 18"], 24 / 127),
    "poly pressure": ({"kind": "poly", "number": 60}, ["A0 3C 30"], 48 / 127),
    "velocity": ({"kind": "velocity", "number": 61}, ["90 3D 70"], 112 / 127),
    "signed bit": ({"kind": "cc", "number": 20, "relative": "signed bit"}, ["B0 14 01"], 0.0),
    "signed bit 2": ({"kind": "cc", "number": 21, "relative": "signed bit 2"}, ["B0 15 41"], 0.0),
    "bin offset": ({"kind": "cc", "number": 22, "relative": "bin offset"}, ["B0 16 41"], 0.0),
    "2's complement": (
        {"kind": "cc", "number": 23, "relative": "2's complement"},
        ["B0 17 01"],
        0.0,
    ),
    "MPE timbre": (
        {"kind": "cc", "number": 74},
        ["B0 64 06", "B0 65 00", "B0 06 0F", "93 3C 64", "B3 4A 50"],
        80 / 127,
    ),
}
"""The mapping to ``/walk``, the bytes sent, and the resulting value; 0 means one step up."""

BEFORE = 0.25


@pytest.fixture
def folder(jack: JackServer, tmp_path: Path) -> Path:
    """A folder with a bundle and mappings of all kinds."""
    needs_jack_midi()
    write_bundle(tmp_path / "mini.bundle", mini_bundle.bundle())
    maps = [{"control": "/walk", **entry} for entry, _, _ in BYTES.values()]
    (tmp_path / "midi.json").write_text(json.dumps({"midi maps": 1, "maps": maps}))
    return tmp_path


@pytest.fixture
def player(jack: JackServer, folder: Path) -> Iterator[tuple[Playing, Controller]]:
    """The server, and a controller connected to it."""
    options = ("--midi", "all", "--config", str(folder), "--no-supervisor")
    with controller() as knobs, playing(folder / "mini.bundle", *options) as server:
        until(lambda: jack.connections().get("knobs:out", []) != [])
        yield server, knobs
        server.tell("/quit")
        server.process.wait(timeout=60)


@pytest.mark.timeout(240)
def test_every_kind_of_message_moves_a_control_of_another_process(
    player: tuple[Playing, Controller],
) -> None:
    server, knobs = player
    for name, (_, sent, share) in BYTES.items():

        def put_back() -> bool:
            """Reset the value, repeatedly, since repeated messages may still arrive after it."""
            server.tell("/walk", BEFORE)
            return server.ask("/walk").params == [BEFORE]

        until(put_back)

        def moved(sent: list[str] = sent, share: float = share) -> bool:
            """Send the bytes, repeatedly, since messages in a missed period are lost."""
            for message in sent:
                knobs.send_bytes(bytes.fromhex(message))
            value = float(server.ask("/walk").params[0])  # type: ignore[arg-type]
            return value > BEFORE if share == 0 else value == pytest.approx(share, abs=1e-6)

        until(moved)
        print(name, "is heard")
