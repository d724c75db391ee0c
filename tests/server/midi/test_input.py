"""MIDI input from fake ports: bytes at a port become moves on the event loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable

import numpy as np
import pytest
from mido import Message

from server.midi.decode.moves import Knob, Move
from server.midi.input import MidiInput
from server.midi.ports.backend import MidiBackend, MidiPortError, MidiUnavailable
from tests.server.midi.fake_midi import FakeMidi


def turned(number: int, value: int, largest: int = 127, port: str = "Knobs") -> Move:
    return Move(Knob(port, 0, "cc", number), value, largest)


class Scene:
    """A fake machine, its input, the moves that came out, and the threads they came in."""

    def __init__(self, choice: str = "all") -> None:
        self.midi = FakeMidi("Knobs")
        self.moves: list[Move] = []
        self.threads: set[int] = set()
        self.input = MidiInput(choice, self.take, self.midi)

    def take(self, moves: tuple[Move, ...]) -> None:
        self.moves.extend(moves)
        self.threads.add(threading.get_ident())

    async def until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not reached():
                await asyncio.sleep(0.002)


def play(scene: Scene, scenario: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        await scene.input.start()
        try:
            await scenario()
        finally:
            scene.input.stop()
            scene.input.stop()

    asyncio.run(run())


def test_knobs_become_moves_in_order_on_the_event_loop() -> None:
    scene = Scene()

    async def scenario() -> None:
        scene.midi.opened["Knobs"][0].played = [(0xB0, 1, 0), (0xB0, 16, 127), (0xB0, 1, 127)]
        await scene.until(lambda: scene.input.received == 3)

    play(scene, scenario)
    assert scene.moves == [turned(1, 0), turned(16, 127), turned(1, 127)]
    assert scene.threads == {threading.get_ident()}


def test_14_bit_halves_are_remembered_between_messages() -> None:
    scene = Scene()

    async def scenario() -> None:
        for data in ((0xB0, 1, 64), (0xB0, 33, 1)):
            scene.midi.own.played = [data]
            await scene.until(lambda: not scene.midi.own.played)
        await scene.until(lambda: scene.input.received == 2)

    play(scene, scenario)
    assert scene.moves[-1] == turned(1, 64 * 128 + 1, 16383, port="latent-deck:in")


@pytest.mark.parametrize(
    "data",
    [
        (),
        (0x01,),
        (0x40, 0x7F),
        (0xB0,),
        (0xB0, 1),
        (0xB0, 1, 200),
        (0xB0, 1, 2, 3),
        (0xF1,),
        (0xF4,),
        (0xF5, 1),
        (0xF7,),
        (0xF9,),
        (0xFD,),
        (0xF0, 1, 2),
        (0xF0, 1, 0xB0, 2, 0xF7),
        (0xFF, 0xFF),
    ],
)
def test_invalid_bytes_are_counted_and_move_nothing(data: tuple[int, ...]) -> None:
    scene = Scene()

    async def scenario() -> None:
        scene.midi.own.played = [data, (0xB0, 1, 127)]
        await scene.until(lambda: scene.input.received == 2)

    play(scene, scenario)
    assert scene.input.rejected == 1
    assert scene.moves == [turned(1, 127, port="latent-deck:in")]


def test_a_replugged_port_plays_on() -> None:
    scene = Scene()

    async def scenario() -> None:
        scene.midi.there.clear()
        await scene.until(lambda: scene.midi.opened["Knobs"][0].closed)
        scene.midi.there.append("Knobs")
        await scene.until(lambda: len(scene.midi.opened["Knobs"]) == 2)
        scene.midi.opened["Knobs"][1].played = [(0xB0, 1, 127)]
        await scene.until(lambda: scene.input.received == 1)

    play(scene, scenario)
    assert scene.moves == [turned(1, 127)]


def test_stop_closes_everything() -> None:
    scene = Scene()

    async def scenario() -> None:
        assert not scene.midi.closed

    play(scene, scenario)
    assert scene.midi.closed and scene.midi.opened["Knobs"][0].closed


def test_none_does_not_look_for_ports() -> None:
    scene = Scene("none")

    async def scenario() -> None:
        assert scene.midi.looks == 0

    play(scene, scenario)


def test_a_missing_named_port_fails_at_the_start() -> None:
    async def run() -> None:
        with pytest.raises(MidiPortError, match="there are: 'Knobs'"):
            await Scene("Faderfox").input.start()

    asyncio.run(run())


def test_input_without_midi_starts_and_stops(caplog: pytest.LogCaptureFixture) -> None:
    def nothing_there() -> MidiBackend:
        raise MidiUnavailable("no server")

    async def run() -> None:
        midi = MidiInput("all", lambda moves: None, nothing_there)
        await midi.start()
        midi.stop()

    asyncio.run(run())
    assert caplog.messages == ["no MIDI: no server"]


def test_a_broken_source_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()

    async def scenario() -> None:
        scene.midi.own.played = None  # type: ignore[assignment]
        await scene.until(lambda: scene.midi.closed)

    play(scene, scenario)
    assert "MIDI has stopped" in caplog.messages


def test_clock_messages_are_not_moves_and_carry_their_time() -> None:
    scene, heard = Scene(), []

    def take(message: Message, at_s: float) -> None:
        heard.append((message.type, at_s))

    scene.input = MidiInput("all", scene.take, scene.midi, on_clock=take)
    before_s = time.time()

    async def scenario() -> None:
        scene.midi.opened["Knobs"][0].played = [(0xF8,), (0xB0, 1, 127), (0xF8,)]
        await scene.until(lambda: scene.input.received == 3)

    play(scene, scenario)
    assert [kind for kind, _ in heard] == ["clock", "clock"]
    assert all(before_s <= at_s <= time.time() for _, at_s in heard)
    assert scene.moves == [turned(1, 127)]


def test_clock_and_keys_stay_in_order() -> None:
    scene, order = Scene(), []

    def take(moves: tuple[Move, ...]) -> None:
        order.extend(move.knob.number for move in moves)

    scene.input = MidiInput(
        "all", take, scene.midi, on_clock=lambda message, at_s: order.append(message.type)
    )

    async def scenario() -> None:
        scene.midi.own.played = [(0x90, 60, 1), (0xFA,), (0x90, 61, 1), (0xF2, 0, 0), (0x90, 62, 1)]
        await scene.until(lambda: scene.input.received == 5)

    play(scene, scenario)
    assert order == [60, "start", 61, "songpos", 62]


def test_held_keys_of_a_port_that_disappears_are_released() -> None:
    scene = Scene()

    async def scenario() -> None:
        scene.midi.opened["Knobs"][0].played = [(0x90, 60, 100), (0x93, 61, 100)]
        await scene.until(lambda: len(scene.moves) == 2)
        scene.midi.there.clear()
        await scene.until(lambda: len(scene.moves) == 4)

    play(scene, scenario)
    assert [(move.knob.channel, move.knob.number, move.value) for move in scene.moves[2:]] == [
        (0, 60, 0),
        (3, 61, 0),
    ]


def test_a_flood_of_random_bytes_is_handled_to_its_end() -> None:
    """Twenty seconds' worth of 3,000 messages a second at once, from a fixed seed."""
    random = np.random.default_rng(5)
    scene = Scene()
    flood = [tuple(random.integers(0, 256, random.integers(0, 5)).tolist()) for _ in range(60_000)]

    async def scenario() -> None:
        scene.midi.own.played = [*flood, (0xB0, 1, 127)]
        await scene.until(lambda: scene.input.received == len(flood) + 1)

    play(scene, scenario)
    assert 0 < scene.input.rejected < len(flood)
    assert all(0 <= move.value <= move.largest for move in scene.moves)
    assert scene.moves[-1].knob == Knob("latent-deck:in", 0, "cc", 1)
