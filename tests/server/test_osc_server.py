"""The OSC server on a real loopback socket: order, answers, refusals, floods."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import build_msg

from server.controls import control_table
from server.events import Event, Query, SetControl
from server.osc_packet import OscMessage, read_packet
from server.osc_server import OscAddressError, OscServer, encode
from server.replies import Reply, fail, synced

TABLE = control_table(style_dims=4)

HOSTILE = [
    b"",
    b"\0",
    b"\xff" * 64,
    b"#bundle\0" + b"\0" * 7 + b"\x01" + b"\xff\xff\xff\xfc",
    b"/\xff\xfe\0,\0\0\0",
    b"/x\0\0,q\0\0",
    build_msg("/latent/" + "*a" * 12 + "c", 0.5).dgram,
    build_msg("/interp", math.nan).dgram,
    build_msg("/interp", math.inf).dgram,
    build_msg("/interp", 1.5).dgram,
    build_msg("/interp", "half").dgram,
    build_msg("/interp", [0.1, 0.2]).dgram,
    build_msg("/nowhere", 0.5).dgram,
    b"/sync\0\0\0,d\0\0" + struct.pack(">d", 1e300),
]
"""The packets named in FACTS and the issue."""


class Client:
    """A UDP client that waits for answers without blocking the loop."""

    def __init__(self, server: tuple[str, int]) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.socket.connect(server)

    def send(self, *packets: bytes) -> None:
        for packet in packets:
            self.socket.send(packet)

    async def answer(self) -> OscMessage:
        loop = asyncio.get_running_loop()
        data = await asyncio.wait_for(loop.sock_recv(self.socket, 65536), timeout=5)
        (message,) = read_packet(data)
        return message

    async def silence(self) -> None:
        with contextlib.suppress(TimeoutError):
            raise AssertionError(f"an answer: {await asyncio.wait_for(self.answer(), 0.1)}")


class Scene:
    """A server, a client, and what arrived in one call each."""

    def __init__(self) -> None:
        self.batches: list[tuple[Event, ...]] = []
        self.server = OscServer(TABLE, self.take)

    def take(self, events: tuple[Event, ...]) -> None:
        self.batches.append(events)
        for event in events:
            if isinstance(event, Query) and event.reply_to:
                event.reply_to.reply(Reply(event.address, (0.25,)))

    async def until(self, received: int) -> None:
        async with asyncio.timeout(10):
            while self.server.received < received:
                await asyncio.sleep(0.001)

    @property
    def values(self) -> list[float]:
        return [e.values[0] for batch in self.batches for e in batch if isinstance(e, SetControl)]


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[tuple[Scene, Client]]:
    scene = Scene()
    client = Client(await scene.server.start("127.0.0.1", 0))
    try:
        yield scene, client
    finally:
        client.socket.close()
        scene.server.stop()


def play(scenario: Callable[[Scene, Client], Awaitable[None]]) -> None:
    async def run() -> None:
        async with running() as (scene, client):
            await scenario(scene, client)

    asyncio.run(run())


def test_values_arrive_in_the_order_they_were_sent() -> None:
    async def scenario(scene: Scene, client: Client) -> None:
        for index in range(1000):
            client.send(build_msg("/interp", index / 1000).dgram)
            if index % 100 == 99:
                await scene.until(index + 1)
        assert scene.values == pytest.approx([index / 1000 for index in range(1000)])
        assert (scene.server.received, scene.server.rejected) == (1000, 0)

    play(scenario)


def test_a_question_is_answered_to_whoever_asked() -> None:
    async def scenario(scene: Scene, client: Client) -> None:
        client.send(build_msg("/interp").dgram)
        assert await client.answer() == OscMessage("/interp", (0.25,))

    play(scenario)


def test_a_bundle_arrives_in_one_call() -> None:
    async def scenario(scene: Scene, client: Client) -> None:
        builder = OscBundleBuilder(IMMEDIATELY)
        for value in (0.0, 0.5, 1.0):
            builder.add_content(build_msg("/interp", value))
        client.send(builder.build().dgram)
        await scene.until(1)
        assert [len(batch) for batch in scene.batches] == [3]

    play(scenario)


def test_a_bundle_with_one_bad_message_moves_nothing() -> None:
    async def scenario(scene: Scene, client: Client) -> None:
        builder = OscBundleBuilder(IMMEDIATELY)
        builder.add_content(build_msg("/interp", 0.5))
        builder.add_content(build_msg("/level", 99.0))
        client.send(builder.build().dgram)
        answer = await client.answer()
        assert answer.address == "/fail" and answer.arguments[0] == "/level"
        assert scene.batches == []

    play(scenario)


@pytest.mark.parametrize("packet", HOSTILE, ids=lambda packet: packet[:16].hex())
def test_a_hostile_packet_is_counted_and_answered_and_the_next_one_works(packet: bytes) -> None:
    async def scenario(scene: Scene, client: Client) -> None:
        client.send(packet)
        assert (await client.answer()).address == "/fail"
        client.send(build_msg("/interp", 0.5).dgram)
        await scene.until(2)
        assert scene.values == [0.5]
        assert scene.server.rejected == 1

    play(scenario)


def test_a_refusal_says_what_came_and_what_is_allowed() -> None:
    async def scenario(scene: Scene, client: Client) -> None:
        client.send(build_msg("/interp", 1.5).dgram)
        why = "/interp: 1.5 is out of range; allowed are 0 to 1"
        assert await client.answer() == OscMessage("/fail", ("/interp", why))

    play(scenario)


@pytest.mark.parametrize("address", ["/fail", "/done", "/synced", "/status.reply"])
def test_answers_of_another_server_are_not_answered(address: str) -> None:
    async def scenario(scene: Scene, client: Client) -> None:
        client.send(build_msg(address, "x").dgram, address.encode().ljust(16, b"\0") + b",q\0\0")
        await scene.until(2)
        assert scene.server.rejected == 2
        await client.silence()

    play(scenario)


def test_a_flood_of_garbage_is_one_log_line_and_starves_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario(scene: Scene, client: Client) -> None:
        sent = asyncio.Event()
        turns = 0

        async def flood() -> None:
            for index in range(2000):
                with contextlib.suppress(BlockingIOError):
                    client.send(HOSTILE[index % len(HOSTILE)])
                if index % 50 == 0:
                    await asyncio.sleep(0)
            sent.set()

        flooding = asyncio.create_task(flood())
        while not sent.is_set():
            await asyncio.sleep(0)
            turns += 1
        await flooding
        client.send(build_msg("/interp", 0.75).dgram)
        async with asyncio.timeout(10):
            while scene.values != [0.75]:
                await asyncio.sleep(0.001)
        assert turns >= 40
        assert scene.server.rejected >= 500
        scene.server.stop()

    with caplog.at_level(logging.WARNING, "server.osc_server"):
        play(scenario)
    assert 2 <= len(caplog.messages) <= 12
    assert "more" in caplog.messages[-1]


def test_a_mistake_of_ours_does_not_end_the_server(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(scene: Scene, client: Client) -> None:
        def broken(events: tuple[Event, ...]) -> None:
            raise RuntimeError("our own")

        take, scene.server._on_events = scene.server._on_events, broken
        client.send(build_msg("/interp", 0.5).dgram)
        await scene.until(1)
        scene.server._on_events = take
        client.send(build_msg("/interp", 0.75).dgram)
        await scene.until(2)
        assert scene.values == [0.75]

    play(scenario)
    assert "our own" in caplog.text


def test_a_port_in_use_is_one_line_that_says_what_to_do() -> None:
    async def scenario(scene: Scene, client: Client) -> None:
        _, port = client.socket.getpeername()
        with pytest.raises(OscAddressError) as caught:
            await OscServer(TABLE, scene.take).start("127.0.0.1", port)
        assert f"127.0.0.1:{port} (Address already in use)" in str(caught.value)
        assert "--osc HOST:PORT, or --osc none" in str(caught.value)
        assert "\n" not in str(caught.value)

    play(scenario)


def test_a_host_that_is_not_ours_is_refused() -> None:
    async def run() -> None:
        with pytest.raises(OscAddressError, match=r"cannot listen for OSC on 203\.0\.113\.1:0"):
            await OscServer(TABLE, lambda events: None).start("203.0.113.1", 0)

    asyncio.run(run())


def test_an_answer_after_the_end_goes_nowhere() -> None:
    async def scenario(scene: Scene, client: Client) -> None:
        client.send(build_msg("/sync", 3).dgram)
        await scene.until(1)
        ((event,),) = scene.batches
        scene.server.stop()
        scene.server.stop()
        assert event.reply_to
        event.reply_to.reply(synced(3))

    play(scenario)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply("/interp", (0.5,)), OscMessage("/interp", (0.5,))),
        (synced(-3), OscMessage("/synced", (-3,))),
        (fail("/x", "why"), OscMessage("/fail", ("/x", "why"))),
        (Reply("/status.reply", ("n", 2**40)), OscMessage("/status.reply", ("n", 2**40))),
        (Reply("/done"), OscMessage("/done")),
    ],
)
def test_an_answer_is_read_back_as_it_was_meant(reply: Reply, expected: OscMessage) -> None:
    assert read_packet(encode(reply)) == (expected,)
