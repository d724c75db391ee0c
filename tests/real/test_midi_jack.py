"""MIDI through a real JACK server: knobs of another client move our controls."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator

import mido
import pytest

from server.clock.midi import MidiClock
from server.controls.desk import Desk
from server.controls.events import Event, SetControl
from server.controls.table import control_table
from server.midi import source
from server.midi.input import MidiInput
from server.midi.maps import Maps
from server.midi.ports import midi_port_names
from server.midi.source import MidiPortError
from tests.real.jack_server import JackServer
from tests.real.needs import missing

TABLE = control_table(style_dims=16)


@pytest.fixture(autouse=True)
def _jack_is_what_we_use(jack: JackServer) -> None:
    if source._ALSA_SEQUENCER.exists():
        missing("this machine has ALSA's sequencer, so MIDI does not go through JACK")


@contextlib.contextmanager
def knobs(client: str = "knobs") -> Iterator[mido.ports.BaseOutput]:
    """Another client with one MIDI output, ``knobs:out``."""
    backend = mido.Backend("mido.backends.rtmidi/UNIX_JACK")
    with backend.open_output("out", virtual=True, client_name=client) as port:
        yield port


@contextlib.asynccontextmanager
async def listening(choice: str) -> AsyncIterator[list[Event]]:
    events: list[Event] = []
    midi = MidiInput(choice, Maps(Desk(TABLE), events.extend).take)
    await midi.start()
    try:
        yield events
    finally:
        midi.stop()


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not reached():
            await asyncio.sleep(0.01)


def heard_by(jack: JackServer, source: str) -> list[str]:
    return jack.connections().get(source, [])


def turn(port: mido.ports.BaseOutput, control: int, value: int) -> None:
    port.send(mido.Message("control_change", control=control, value=value))


def test_every_port_that_is_there_is_heard(jack: JackServer) -> None:
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


def test_others_connect_to_a_port_of_our_own(jack: JackServer) -> None:
    async def scenario() -> None:
        async with listening("all") as events:
            with knobs() as port:
                await until(lambda: len(heard_by(jack, "knobs:out")) == 1)
                jack.connect("knobs:out", "latent-deck:in")
                turn(port, 1, 127)
                await until(lambda: len(events) == 2)
                assert set(events) == {SetControl("/interp", (1.0,))}

    asyncio.run(scenario())


def test_a_port_that_goes_and_comes_back_plays_on(jack: JackServer) -> None:
    async def scenario() -> None:
        async with listening("all") as events:
            for value in (127, 0):
                with knobs() as port:
                    await until(lambda: heard_by(jack, "knobs:out") != [])
                    turn(port, 1, value)
                    await until(lambda: len(events) > 0)
                    assert events.pop() == SetControl("/interp", (value / 127,))
                await asyncio.sleep(1.5)  # longer than between two looks at the ports

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


def test_a_named_port_that_is_not_there_is_an_error_that_lists_what_is(jack: JackServer) -> None:
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


def test_the_clock_of_another_client_has_its_tempo_here(jack: JackServer) -> None:
    """Sent by a thread that sleeps: as uneven as a busy machine makes it, on the whole 120."""
    clock, kinds = MidiClock(), []

    def take(message: mido.Message, at_s: float) -> bool:
        kinds.append(message.type)
        if message.type == "clock":
            clock.tick(at_s)
        return True

    def beat(port: mido.ports.BaseOutput) -> None:
        port.send(mido.Message("start"))
        start_s = time.monotonic()
        for tick in range(72):
            time.sleep(max(start_s + tick / 48 - time.monotonic(), 0))
            port.send(mido.Message("clock"))
        port.send(mido.Message("stop"))

    async def scenario() -> None:
        with knobs() as port:
            midi = MidiInput("knobs", lambda moves: None, on_clock=take)
            await midi.start()
            try:
                await asyncio.to_thread(beat, port)
                await until(lambda: "stop" in kinds)
            finally:
                midi.stop()

    asyncio.run(scenario())
    assert kinds == ["start", *["clock"] * 72, "stop"]
    assert clock.line is not None
    assert clock.line.tempo_bpm == pytest.approx(120, rel=0.05)
