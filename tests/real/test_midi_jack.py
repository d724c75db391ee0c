"""MIDI through a real JACK server: the knobs of another client move our controls."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
import rtmidi

from server.clock.midi_clock import MidiClock
from server.controls.desk import Desk
from server.controls.events import Event, SetControl
from server.controls.table import control_table
from server.engine.notes import SHORTEST_S
from server.midi.decode.moves import Kind, Knob, Move
from server.midi.input import MidiInput
from server.midi.mappings.active_mappings import ActiveMappings
from server.midi.ports.backend import MidiPortError
from server.midi.ports.open_ports import midi_port_names
from tests import mini_bundle
from tests.real.jack_server import JackServer
from tests.real.needs import needs_jack_midi
from tests.real.test_live_jack import TAKES
from tests.server.live_server import Playing, playing
from tests.waiting import until as wait_until

TABLE = control_table(style_dims=16)


@pytest.fixture(autouse=True)
def _jack_is_what_we_use(jack: JackServer) -> None:
    needs_jack_midi()


@contextlib.contextmanager
def knobs(client: str = "knobs") -> Iterator[mido.ports.BaseOutput]:
    """Another client with one MIDI output, ``knobs:out``."""
    backend = mido.Backend("mido.backends.rtmidi/UNIX_JACK")
    with backend.open_output("out", virtual=True, client_name=client) as port:
        yield port


@contextlib.contextmanager
def wire(client: str = "wire") -> Iterator[Callable[[bytes], None]]:
    """A client whose output, ``wire:out``, sends any bytes unchanged."""
    out = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name=client)
    out.open_virtual_port("out")
    try:
        yield lambda data: out.send_message(list(data))
    finally:
        out.close_port()
        out.delete()


@contextlib.asynccontextmanager
async def listening(choice: str) -> AsyncIterator[list[Event]]:
    events: list[Event] = []
    midi = MidiInput(choice, ActiveMappings(Desk(TABLE), events.extend).take)
    await midi.start()
    try:
        yield events
    finally:
        midi.stop()


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not reached():
            await asyncio.sleep(0.01)


def heard_by(jack: JackServer, source: str) -> list[str]:
    return jack.connections().get(source, [])


def turn(port: mido.ports.BaseOutput, control: int, value: int) -> None:
    port.send(mido.Message("control_change", control=control, value=value))


def test_with_all_every_existing_port_is_heard(jack: JackServer) -> None:
    async def scenario() -> None:
        with knobs() as port:
            async with listening("all") as events:
                for control, value in ((1, 0), (1, 127), (16, 127), (31, 0)):
                    turn(port, control, value)
                await until(lambda: len(events) == 4)
                assert events == [
                    SetControl("/interp", (0.0,)),
                    SetControl("/interp", (1.0,)),
                    SetControl("/latent/0", (3.0,)),
                    SetControl("/latent/15", (-3.0,)),
                ]

    asyncio.run(scenario())


def knob(kind: Kind, number: int, value: int, largest: int = 127, steps: int = 0) -> Move:
    return Move(Knob("knobs:out", 0, kind, number), value, largest, steps)


KINDS: dict[str, tuple[list[str], list[Move]]] = {
    "control change": (["B0 07 40"], [knob("cc", 7, 64)]),
    "14 bits": (["B0 07 40", "B0 27 01"], [knob("cc", 7, 64), knob("cc", 7, 8193, 16383)]),
    "NRPN": (
        ["B0 63 02", "B0 62 2C", "B0 06 40", "B0 26 01", "B0 60 00", "B0 63 7F", "B0 62 7F"],
        [
            knob("nrpn", 300, 64),
            knob("nrpn", 300, 8193, 16383),
            knob("nrpn", 300, 8321, 16383, steps=1),
        ],
    ),
    "RPN": (
        ["B0 65 00", "B0 64 02", "B0 06 10", "B0 61 00"],
        [knob("rpn", 2, 16), knob("rpn", 2, 15, steps=-1)],
    ),
    "pitch bend": (
        ["E0 00 00", "E0 00 40", "E0 7F 7F"],
        [knob("bend", 0, value, 16383) for value in (0, 8192, 16383)],
    ),
    "channel pressure": (["D0 40"], [knob("pressure", 0, 64)]),
    "poly pressure": (["A0 3C 40"], [knob("poly", 60, 64)]),
    "notes": (
        ["90 3C 40", "90 3C 00", "90 3D 41", "80 3D 40"],
        [knob("velocity", key, value) for key, value in ((60, 64), (60, 0), (61, 65), (61, 0))],
    ),
    "program change": (["C0 05"], [knob("program", 0, 5)]),
    "MPE": (
        [
            "B0 64 06",
            "B0 65 00",
            "B0 06 0F",
            "E3 00 50",
            "93 3C 64",
            "D3 20",
            "B3 4A 50",
            "83 3C 00",
        ],
        [
            knob("bend", 0, 0x50 << 7, 16383),
            knob("velocity", 60, 100),
            knob("pressure", 0, 32),
            knob("cc", 74, 80),
            knob("bend", 0, 8192, 16383),
            knob("pressure", 0, 0),
            knob("velocity", 60, 0),
        ],
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_message_is_decoded(kind: str, jack: JackServer) -> None:
    sent, expected = KINDS[kind]
    moves: list[Move] = []

    async def scenario() -> None:
        with wire("knobs") as send:
            midi = MidiInput("knobs", moves.extend)
            await midi.start()
            try:
                for message in sent:
                    send(bytes.fromhex(message))
                    await asyncio.sleep(0.01)  # otherwise a newer value may replace this one
                await until(lambda: len(moves) >= len(expected))
            finally:
                midi.stop()

    asyncio.run(scenario())
    assert moves == expected


def test_other_clients_can_connect_to_our_own_port(jack: JackServer) -> None:
    async def scenario() -> None:
        async with listening("all") as events:
            with knobs() as port:
                await until(lambda: len(heard_by(jack, "knobs:out")) == 1)
                jack.connect("knobs:out", "latent-deck:in")
                turn(port, 1, 127)
                await until(lambda: len(events) == 2)
                assert set(events) == {SetControl("/interp", (1.0,))}

    asyncio.run(scenario())


def test_a_replugged_port_is_heard_again(jack: JackServer) -> None:
    async def scenario() -> None:
        async with listening("all") as events:
            for value in (127, 0):
                with knobs() as port:
                    await until(lambda: heard_by(jack, "knobs:out") != [])
                    turn(port, 1, value)
                    await until(lambda: len(events) > 0)
                    assert events.pop() == SetControl("/interp", (value / 127,))
                await asyncio.sleep(1.5)  # longer than between two polls of the ports

    asyncio.run(scenario())


def test_only_the_named_port_is_heard(jack: JackServer) -> None:
    async def scenario() -> None:
        with knobs("pads") as pads, knobs("knobs") as port:
            assert set(midi_port_names()) == {"pads:out", "knobs:out"}
            async with listening("knobs") as events:
                turn(pads, 1, 0)
                turn(port, 1, 127)
                await until(lambda: len(events) > 0)
                await asyncio.sleep(0.2)
                assert events == [SetControl("/interp", (1.0,))]

    asyncio.run(scenario())


def test_a_missing_named_port_fails_and_lists_the_available_ones(jack: JackServer) -> None:
    async def scenario() -> None:
        with knobs(), pytest.raises(MidiPortError, match="there are: 'knobs:out'"):
            async with listening("Faderfox"):
                pass

    asyncio.run(scenario())


def test_a_fast_sweep_arrives_whole_and_in_order(jack: JackServer) -> None:
    async def scenario() -> None:
        with knobs() as port:
            async with listening("all") as events:
                for value in range(128):
                    turn(port, 1, value)
                    await asyncio.sleep(0.002)
                await until(lambda: len(events) == 128)
                assert events == [SetControl("/interp", (value / 127,)) for value in range(128)]

    asyncio.run(scenario())


def test_the_tempo_of_another_clients_clock_is_measured(jack: JackServer) -> None:
    """Sent by a thread that sleeps: as uneven as on a busy machine, but 120 bpm on average."""

    def beat(port: mido.ports.BaseOutput) -> None:
        port.send(mido.Message("start"))
        start_s = time.monotonic()
        for tick in range(72):
            time.sleep(max(start_s + tick / 48 - time.monotonic(), 0))
            port.send(mido.Message("clock"))
        port.send(mido.Message("stop"))

    async def scenario() -> tuple[MidiClock, list[str]]:
        clock, kinds = MidiClock(), []

        def take(message: mido.Message, at_s: float) -> bool:
            kinds.append(message.type)
            if message.type == "clock":
                clock.tick(at_s)
            return True

        with knobs() as port:
            midi = MidiInput("knobs", lambda moves: None, on_clock=take)
            await midi.start()
            try:
                await asyncio.to_thread(beat, port)
                await until(lambda: "stop" in kinds)
            finally:
                midi.stop()
        return clock, kinds

    whole = ["start", *["clock"] * 72, "stop"]
    for _ in range(TAKES):  # JACK loses messages in a period that a busy machine misses
        clock, kinds = asyncio.run(scenario())
        if kinds == whole:
            break
    assert kinds == whole
    assert clock.line is not None
    assert clock.line.tempo_bpm == pytest.approx(120, rel=0.05)


@contextlib.contextmanager
def instrument(bundle_path: Path, folder: Path, jack: JackServer, port: str) -> Iterator[Playing]:
    """``python -m server`` connected to ``port``, with its configuration in ``folder``."""
    options = ("--midi", "all", "--config", str(folder), "--no-supervisor")
    with playing(bundle_path, *options) as server:
        wait_until(lambda: heard_by(jack, port) != [])
        yield server


def test_keys_programs_and_knobs_play_the_instrument(
    jack: JackServer, bundle_path: Path, tmp_path: Path
) -> None:
    with knobs() as port, instrument(bundle_path, tmp_path, jack, "knobs:out") as server:
        server.ask("/preset/save", "as it was")
        server.ask("/notify", 1)
        told: list[tuple[str, list[Any]]] = []

        def heard(address: str, *arguments: float) -> bool:
            """Return whether this notification has come by now."""
            message = server.receive()
            told.append((message.address, message.params))
            return (address, list(arguments)) in told

        port.send(mido.Message("note_on", note=40, velocity=100))
        port.send(mido.Message("note_off", note=40))
        wait_until(lambda: heard("/note", 40, 0))
        assert ("/note", [40, 100]) in told
        turn(port, 1, 127)
        wait_until(lambda: heard("/interp", 1.0))
        port.send(mido.Message("pitchwheel", pitch=8191))
        wait_until(lambda: heard("/speed", 2.0))
        port.send(mido.Message("program_change", program=0))
        wait_until(lambda: heard("/speed", 1.0))


def test_a_key_released_at_once_is_heard(
    jack: JackServer, bundle_path: Path, tmp_path: Path
) -> None:
    """While stopped: silence, the note, silence."""
    tapped = (sys.executable, "-m", "tests.real.tapped_server", str(tmp_path / "played.npy"))
    options = ("--midi", "all", "--config", str(tmp_path / "config"))
    with knobs() as port, playing(bundle_path, *options, command=tapped) as server:
        wait_until(lambda: heard_by(jack, "knobs:out") != [])
        server.tell("/stop")
        server.ask("/notify", 1)
        time.sleep(1)
        port.send(mido.Message("note_on", note=40, velocity=127))
        port.send(mido.Message("note_off", note=40))
        wait_until(lambda: server.receive().params == [40, 0])
        time.sleep(1)
        server.tell("/quit")
        assert server.process.wait(timeout=60) == 0
    played = np.load(tmp_path / "played.npy")[:, 0]
    sounds = np.flatnonzero(np.abs(played) > 1e-4)
    gaps = np.flatnonzero(np.diff(sounds) > mini_bundle.RATE_HZ // 4)
    assert gaps.size == 1  # between the beginning, until /stop, and the note
    note_samples = sounds[-1] - sounds[gaps[0] + 1]
    assert 0.8 * SHORTEST_S < note_samples / mini_bundle.RATE_HZ < 2 * SHORTEST_S
    assert sounds[-1] < played.size - mini_bundle.RATE_HZ // 4


def test_hostile_bytes_change_nothing_but_counters(
    jack: JackServer, bundle_path: Path, tmp_path: Path
) -> None:
    """About 3,000 messages a second for 4 s: half of them broken, the rest without effect."""
    random = np.random.default_rng(1)
    values = ("/interp", "/speed", "/level", "/latent", "/tempo", "/loop", "/position")
    nonsense = [
        b"\x40",
        b"\x40\x7f",
        b"\xb0",
        b"\xb0\x01",
        b"\x90\x24",
        b"\xf4",
        b"\xf5\x01",
        b"\xf9",
        b"\xfd",
        b"\xf7",
        b"\xf0" + bytes(1000),
        b"\xf0" + bytes(200) + b"\xf7",
        b"\xb0\x02\x40",
        b"\x80\x24\x40",
        b"\xa0\x24\x40",
        b"\xfe",
        b"\xf8",
    ]
    with wire() as send, instrument(bundle_path, tmp_path, jack, "wire:out") as server:
        server.tell("/freeze", 1)
        before = [server.ask(address).params for address in values]
        for _ in range(400):
            for number in random.integers(0, len(nonsense), 30):
                send(nonsense[number])
            time.sleep(0.01)
        send(b"\xf7")  # RtMidi under JACK hears nothing until a system exclusive has ended
        send(b"\xb0\x10\x7f")
        wait_until(lambda: server.ask("/latent/0").params == [3.0])
        send(b"\xb0\x10\x40")
        send(b"\xb0\x10\x00")
        wait_until(lambda: server.ask("/latent/0").params == [-3.0])
        server.tell("/latent/0", 0.0)
        status = server.ask("/status").params
        counted = dict(zip(status[::2], status[1::2], strict=True))
        after = [server.ask(address).params for address in values]
        assert after == before
        assert counted["midi_received"] > 0
        assert counted["failed_blocks"] == 0
        assert server.ask("/quit").params == ["/quit"]
        assert server.process.wait(timeout=60) == 0
