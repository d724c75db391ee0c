"""OSC over TCP: both framings, replies in the client's framing, and misbehaving clients."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
from pythonosc.osc_message_builder import build_msg

from server.controls.desk import Desk
from server.controls.events import Event, Query, SetControl
from server.controls.replies import Reply
from server.controls.table import control_table
from server.osc import senders
from server.osc.access import network
from server.osc.packet import OscMessage, read_packet
from server.osc.server import OscServer
from server.osc.stream import Framing, LengthPrefixed, Slip

TABLE = control_table(style_dims=4)
FRAMINGS = [LengthPrefixed, Slip]
ASK = build_msg("/interp").dgram


class Scene:
    """A server whose engine is a list of received events."""

    def __init__(self, *allowed: str) -> None:
        self.events: list[Event] = []
        self.answer = Reply("/interp", (0.25,))
        self.server = OscServer(Desk(TABLE), allowed=[network(some) for some in allowed])
        self.server.connect(self.take)

    def take(self, events: tuple[Event, ...], time_tag: int | None = None) -> None:
        self.events += events
        for event in events:
            if isinstance(event, Query) and event.reply_to:
                event.reply_to.reply(self.answer)

    @property
    def values(self) -> list[float]:
        return [event.values[0] for event in self.events if isinstance(event, SetControl)]

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():
                await asyncio.sleep(0.005)


class Client:
    """A TCP client with either framing."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, framing: Framing
    ) -> None:
        self.reader, self.writer, self.framing = reader, writer, framing
        self.read: list[bytes] = []

    def send(self, *packets: bytes) -> None:
        for packet in packets:
            self.writer.write(self.framing.wrap(packet))

    async def answer(self) -> OscMessage:
        async with asyncio.timeout(10):
            while not self.read:
                data = await self.reader.read(65536)
                assert data, "the server closed the connection"
                self.read += self.framing.feed(data)
        (message,) = read_packet(self.read.pop(0)).messages
        return message

    async def end(self) -> None:
        """Wait until the server has closed the connection."""
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(10):
                while await self.reader.read(65536):
                    pass


class Place:
    """The address that clients connect to."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.writers: list[asyncio.StreamWriter] = []

    async def client(self, kind: type[Framing] = Slip) -> Client:
        reader, writer = await asyncio.open_connection(*self.address)
        self.writers.append(writer)
        return Client(reader, writer, kind())


def play(scenario: Callable[[Scene, Place], Awaitable[None]], *allowed: str) -> None:
    @contextlib.asynccontextmanager
    async def running() -> AsyncIterator[tuple[Scene, Place]]:
        scene = Scene(*allowed)
        (address,) = await scene.server.start("127.0.0.1", 0)
        place = Place(address)
        try:
            yield scene, place
        finally:
            for writer in place.writers:
                writer.close()
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()
            scene.server.stop()
            await asyncio.sleep(0)

    async def run() -> None:
        async with running() as (scene, place):
            await scenario(scene, place)

    asyncio.run(run())


@pytest.mark.parametrize("kind", FRAMINGS)
def test_values_arrive_and_queries_are_answered_in_the_same_framing(kind: type[Framing]) -> None:
    async def scenario(scene: Scene, place: Place) -> None:
        client = await place.client(kind)
        client.send(*[build_msg("/interp", index / 500).dgram for index in range(500)], ASK)
        assert await client.answer() == OscMessage("/interp", (0.25,))
        assert scene.values == pytest.approx([index / 500 for index in range(500)])
        assert (scene.server.received, scene.server.rejected) == (501, 0)

    play(scenario)


@pytest.mark.parametrize("kind", FRAMINGS)
def test_a_refused_packet_is_answered_and_the_connection_goes_on(kind: type[Framing]) -> None:
    async def scenario(scene: Scene, place: Place) -> None:
        client = await place.client(kind)
        client.send(b"\xc0\xdb\xff\0", build_msg("/nowhere").dgram, ASK)
        answers = [await client.answer() for _ in range(3)]
        assert [answer.address for answer in answers] == ["/fail", "/fail", "/interp"]
        assert scene.server.rejected == 2

    play(scenario)


def test_tcp_and_udp_share_the_port_number() -> None:
    async def scenario(scene: Scene, place: Place) -> None:
        client = await place.client()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.sendto(build_msg("/interp", 0.5).dgram, place.address)
        client.send(build_msg("/interp", 0.75).dgram)
        await scene.until(lambda: sorted(scene.values) == [0.5, 0.75])

    play(scenario)


@pytest.mark.parametrize(
    ("stream", "answered"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", False),
        (b"\xff" * 100, False),
        (b"\0\0\0\x04/x\0\0\x7f\xff\xff\xff", True),
        (b"\xc0/x\xdb\xc0", True),
        (b"\xc0" + b"a" * 300_000, True),
    ],
    ids=["a browser", "noise", "a huge size", "an escape that is none", "a packet without end"],
)
def test_a_broken_stream_is_closed_and_logged(
    stream: bytes, answered: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(scene: Scene, place: Place) -> None:
        bad, good = await place.client(), await place.client()
        if stream[:1] == b"\0":
            bad.framing = LengthPrefixed()
        bad.writer.write(stream)
        if answered:
            assert (await bad.answer()).address == "/fail"
        await bad.end()
        good.send(ASK)
        assert (await good.answer()).address == "/interp"
        assert len(scene.server.connections.open) == 1

    play(scenario)
    assert "(TCP) rejected" in caplog.text


def test_a_packet_that_never_ends_times_out() -> None:
    async def scenario(scene: Scene, place: Place) -> None:
        scene.server.connections.packet_timeout_s = 0.1
        slow, listener = await place.client(), await place.client()
        listener.send(ASK)
        await listener.answer()
        slow.send(ASK)
        await slow.answer()
        slow.writer.write(b"\xc0/int")
        await slow.end()
        assert scene.server.rejected == 1
        listener.send(ASK)
        await listener.answer()

    play(scenario)


def test_a_packet_in_pieces_is_read() -> None:
    async def scenario(scene: Scene, place: Place) -> None:
        client = await place.client(LengthPrefixed)
        for byte in client.framing.wrap(build_msg("/interp", 0.5).dgram):
            client.writer.write(bytes([byte]))
            await asyncio.sleep(0)
        await scene.until(lambda: scene.values == [0.5])

    play(scenario)


def test_a_client_that_does_not_read_replies_is_disconnected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(senders, "MAX_UNREAD_BYTES", 1 << 16)

    async def scenario(scene: Scene, place: Place) -> None:
        scene.answer = replace(scene.answer, arguments=("x" * 60_000,))
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(place.address)
            deaf.setblocking(False)
            loop = asyncio.get_running_loop()
            with contextlib.suppress(ConnectionError):
                for _ in range(400):
                    await asyncio.wait_for(loop.sock_sendall(deaf, Slip.wrap(ASK)), 10)
                    await asyncio.sleep(0)
            await scene.until(lambda: not scene.server.connections.open)
        other = await place.client()
        other.send(ASK)
        await other.answer()

    play(scenario)


def test_when_there_are_too_many_clients_silent_ones_are_disconnected_first() -> None:
    async def scenario(scene: Scene, place: Place) -> None:
        scene.server.connections.max_clients = 3
        silent = await place.client()
        speakers = [await place.client() for _ in range(3)]
        for speaker in speakers:
            speaker.send(ASK)
            assert (await speaker.answer()).address == "/interp"
        await silent.end()
        late = await place.client()
        await late.end()
        assert scene.server.rejected == 1
        for speaker in speakers:
            speaker.send(ASK)
            assert (await speaker.answer()).address == "/interp"

    play(scenario)


def test_a_client_that_leaves_makes_room_for_another() -> None:
    async def scenario(scene: Scene, place: Place) -> None:
        scene.server.connections.max_clients = 1
        for _ in range(3):
            client = await place.client()
            client.send(ASK)
            await client.answer()
            client.writer.close()
            await scene.until(lambda: not scene.server.connections.open)

    play(scenario)


def test_a_client_that_is_not_allowed_cannot_connect(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(scene: Scene, place: Place) -> None:
        client = await place.client()
        client.send(ASK)
        await client.end()
        assert scene.events == [] and scene.server.rejected == 1

    with caplog.at_level(logging.WARNING, "server.osc.server"):
        play(scenario, "10.0.0.0/8")
    assert "see --osc-allow" in caplog.text


def test_a_flood_on_one_connection_does_not_block_others() -> None:
    async def scenario(scene: Scene, place: Place) -> None:
        flooding, other = await place.client(), await place.client()
        flood = Slip.wrap(build_msg("/interp", 0.5).dgram) * 20_000
        flooding.writer.write(flood)
        other.send(build_msg("/level", -3.0).dgram)
        await scene.until(lambda: -3.0 in scene.values)
        assert scene.values.index(-3.0) < 15_000

    play(scenario)


def test_stopping_the_server_closes_its_connections() -> None:
    async def scenario(scene: Scene, place: Place) -> None:
        client = await place.client()
        client.send(ASK)
        await client.answer()
        scene.server.stop()
        await client.end()
        with pytest.raises(ConnectionRefusedError):
            await place.client()

    play(scenario)


def test_a_reply_to_a_disconnected_client_is_dropped() -> None:
    async def scenario(scene: Scene, place: Place) -> None:
        client = await place.client()
        client.send(build_msg("/sync", 3).dgram)
        await scene.until(lambda: bool(scene.events))
        client.writer.close()
        await scene.until(lambda: not scene.server.connections.open)
        sender = scene.events[0].reply_to
        assert sender is not None
        sender.reply(Reply("/synced", (3,)))

    play(scenario)
