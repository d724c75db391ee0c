"""MIDI in, with a fake machine: bytes at a port become moves in the loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable

import pytest
from mido import Message

from server.midi.input import MidiInput
from server.midi.moves import Knob, Move
from server.midi.source import MidiPortError, MidiSource, MidiUnavailable
from tests.server.midi.fake_midi import FakeMidi


def turned(number: int, value: int, largest: int = 127, port: str = "Knobs") -> Move:
    return Move(Knob(port, 0, "cc", number), value, largest)


class Scene:
    """A fake machine, the input on it, and what came out of it in which thread."""

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


def test_knobs_become_moves_in_order_and_in_the_loop() -> None:
    scene = Scene()

    async def scenario() -> None:
        scene.midi.opened["Knobs"][0].played = [(0xB0, 1, 0), (0xB0, 16, 127), (0xB0, 1, 127)]
        await scene.until(lambda: scene.input.received == 3)

    play(scene, scenario)
    assert scene.moves == [turned(1, 0), turned(16, 127), turned(1, 127)]
    assert scene.threads == {threading.get_ident()}


def test_the_halves_of_a_knob_are_remembered_between_messages() -> None:
    scene = Scene()

    async def scenario() -> None:
        for data in ((0xB0, 1, 64), (0xB0, 33, 1)):
            scene.midi.own.played = [data]
            await scene.until(lambda: not scene.midi.own.played)
        await scene.until(lambda: scene.input.received == 2)

    play(scene, scenario)
    assert scene.moves[-1] == turned(1, 64 * 128 + 1, 16383, port="latent-deck:in")


@pytest.mark.parametrize("data", [(), (0x01,), (0xB0, 1), (0xB0, 1, 200), (0xFF, 0xFF)])
def test_bytes_that_are_no_message_move_nothing(data: tuple[int, ...]) -> None:
    scene = Scene()

    async def scenario() -> None:
        scene.midi.own.played = [data, (0xB0, 1, 127)]
        await scene.until(lambda: scene.input.received == 2)

    play(scene, scenario)
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


def test_everything_is_closed_by_stop() -> None:
    scene = Scene()

    async def scenario() -> None:
        assert not scene.midi.closed

    play(scene, scenario)
    assert scene.midi.closed and scene.midi.opened["Knobs"][0].closed


def test_none_looks_at_nothing() -> None:
    scene = Scene("none")

    async def scenario() -> None:
        assert scene.midi.looks == 0

    play(scene, scenario)


def test_a_named_port_that_is_not_there_stops_the_start() -> None:
    async def run() -> None:
        with pytest.raises(MidiPortError, match="there are: 'Knobs'"):
            await Scene("Faderfox").input.start()

    asyncio.run(run())


def test_a_machine_without_midi_starts_and_stops(caplog: pytest.LogCaptureFixture) -> None:
    def nothing_there() -> MidiSource:
        raise MidiUnavailable("no server")

    async def run() -> None:
        midi = MidiInput("all", lambda moves: None, nothing_there)
        await midi.start()
        midi.stop()

    asyncio.run(run())
    assert caplog.messages == ["no MIDI: no server"]


def test_a_source_that_breaks_is_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()

    async def scenario() -> None:
        scene.midi.own.played = None  # type: ignore[assignment]
        await scene.until(lambda: scene.midi.closed)

    play(scene, scenario)
    assert "MIDI has stopped" in caplog.messages


def test_what_the_clock_takes_is_no_move_and_has_its_time() -> None:
    scene, heard = Scene(), []

    def take(message: Message, at_s: float) -> bool:
        heard.append((message.type, at_s))
        return message.type == "clock"

    scene.input = MidiInput("all", scene.take, scene.midi, on_clock=take)
    before_s = time.time()

    async def scenario() -> None:
        scene.midi.opened["Knobs"][0].played = [(0xF8,), (0xB0, 1, 127), (0xF8,)]
        await scene.until(lambda: scene.input.received == 3)

    play(scene, scenario)
    assert [kind for kind, _ in heard] == ["clock", "control_change", "clock"]
    assert all(before_s <= at_s <= time.time() for _, at_s in heard)
    assert scene.moves == [turned(1, 127)]
