"""The OSC server on loopback sockets: order, replies, refusals, floods, allowed senders."""

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

from server.controls.desk import Desk
from server.controls.events import Event, Query, SetControl
from server.controls.replies import Reply, fail, synced
from server.controls.table import control_table
from server.osc.access import network
from server.osc.packet import OscMessage, read_packet
from server.osc.senders import encode
from server.osc.server import MAX_FAILS_PER_PACKET, OscServer
from server.osc.sockets import OscAddressError

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
"""Packets that are malformed, or crash or hang other OSC servers."""


class Client:
    """A UDP client that awaits replies without blocking the event loop."""

    def __init__(self, server: tuple[str, int], family: int = socket.AF_INET) -> None:
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.connect(server)

    def close(self) -> None:
        self.socket.close()

    def send(self, *packets: bytes) -> None:
        for packet in packets:
            self.socket.send(packet)

    async def answer(self) -> OscMessage:
        loop = asyncio.get_running_loop()
        data = await asyncio.wait_for(loop.sock_recv(self.socket, 65536), timeout=5)
        (message,) = read_packet(data).messages
        return message

    async def silence(self) -> None:
        with contextlib.suppress(TimeoutError):
            raise AssertionError(f"an answer: {await asyncio.wait_for(self.answer(), 0.1)}")


class Scene:
    """A server, and the events of each call to its handler."""

    def __init__(self, *allowed: str) -> None:
        self.batches: list[tuple[Event, ...]] = []
        self.time_tags: list[int | None] = []
        self.server = OscServer(Desk(TABLE), allowed=[network(some) for some in allowed])
        self.server.connect(self.take)

    def take(self, events: tuple[Event, ...], time_tag: int | None = None) -> None:
        self.batches.append(events)
        self.time_tags.append(time_tag)
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
async def running(*allowed: str) -> AsyncIterator[tuple[Scene, Client]]:
    scene = Scene(*allowed)
    (address,) = await scene.server.start("127.0.0.1", 0)
    client = Client(address)
    try:
        yield scene, client
    finally:
        client.socket.close()
        scene.server.stop()


def play(scenario: Callable[[Scene, Client], Awaitable[None]], *allowed: str) -> None:
    async def run() -> None:
        async with running(*allowed) as (scene, client):
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


def test_a_query_is_answered_to_its_sender() -> None:
    async def scenario(scene: Scene, client: Client) -> None:
        client.send(build_msg("/interp").dgram)
        assert await client.answer() == OscMessage("/interp", (0.25,))

    play(scenario)


def test_the_events_of_a_bundle_arrive_in_one_call() -> None:
    async def scenario(scene: Scene, client: Client) -> None:
        builder = OscBundleBuilder(IMMEDIATELY)
        for value in (0.0, 0.5, 1.0):
            builder.add_content(build_msg("/interp", value))
        client.send(builder.build().dgram)
        await scene.until(1)
        assert [len(batch) for batch in scene.batches] == [3]

    play(scenario)


def test_a_refused_message_in_a_bundle_is_reported_and_the_others_apply() -> None:
    async def scenario(scene: Scene, client: Client) -> None:
        builder = OscBundleBuilder(IMMEDIATELY)
        for address, value in (("/interp", 0.5), ("/level", 99.0), ("/mute", 1.0)):
            builder.add_content(build_msg(address, value))
        client.send(builder.build().dgram)
        answer = await client.answer()
        assert answer.address == "/fail" and answer.arguments[0] == "/level"
        ((interp, mute),) = scene.batches
        assert (interp.address, mute.address) == ("/interp", "/mute")
        assert (scene.server.received, scene.server.rejected) == (1, 1)

    play(scenario)


def test_a_packet_of_refused_messages_gets_only_a_few_replies() -> None:
    async def scenario(scene: Scene, client: Client) -> None:
        builder = OscBundleBuilder(IMMEDIATELY)
        for _ in range(3 * MAX_FAILS_PER_PACKET):
            builder.add_content(build_msg("/x"))
        client.send(builder.build().dgram)
        for _ in range(MAX_FAILS_PER_PACKET):
            assert (await client.answer()).address == "/fail"
        await client.silence()
        assert scene.server.rejected == 3 * MAX_FAILS_PER_PACKET

    play(scenario)


def test_messages_due_at_one_time_arrive_in_one_call_with_their_time() -> None:
    async def scenario(scene: Scene, client: Client) -> None:
        inner = OscBundleBuilder(2_000_000_000)
        inner.add_content(build_msg("/level", -3.0))
        outer = OscBundleBuilder(IMMEDIATELY)
        outer.add_content(build_msg("/interp", 0.5))
        outer.add_content(inner.build())
        outer.add_content(build_msg("/mute", 1))
        client.send(outer.build().dgram)
        await scene.until(1)
        assert [len(batch) for batch in scene.batches] == [2, 1]
        now, later = scene.time_tags
        assert now is None and later is not None and later >> 32 == 2_000_000_000 + 2_208_988_800

    play(scenario)


@pytest.mark.parametrize("packet", HOSTILE, ids=lambda packet: packet[:16].hex())
def test_a_hostile_packet_is_counted_and_answered_and_the_next_packet_works(packet: bytes) -> None:
    async def scenario(scene: Scene, client: Client) -> None:
        client.send(packet)
        assert (await client.answer()).address == "/fail"
        client.send(build_msg("/interp", 0.5).dgram)
        await scene.until(2)
        assert scene.values == [0.5]
        assert scene.server.rejected == 1

    play(scenario)


def test_a_refusal_gives_the_value_and_the_allowed_range() -> None:
    async def scenario(scene: Scene, client: Client) -> None:
        client.send(build_msg("/interp", 1.5).dgram)
        why = "/interp: 1.5 is out of range; allowed are 0 to 1"
        assert await client.answer() == OscMessage("/fail", ("/interp", why))

    play(scenario)


@pytest.mark.parametrize("address", ["/fail", "/done", "/synced", "/status.reply"])
def test_replies_of_another_server_are_not_answered(address: str) -> None:
    async def scenario(scene: Scene, client: Client) -> None:
        client.send(build_msg(address, "x").dgram, address.encode().ljust(16, b"\0") + b",q\0\0")
        await scene.until(2)
        assert scene.server.rejected == 2
        await client.silence()

    play(scenario)


def test_a_flood_of_garbage_is_logged_briefly_and_blocks_nothing(
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

    with caplog.at_level(logging.WARNING, "server.osc.server"):
        play(scenario)
    assert 2 <= len(caplog.messages) <= 12
    assert "more" in caplog.messages[-1]


def test_an_exception_in_the_handler_does_not_stop_the_server(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario(scene: Scene, client: Client) -> None:
        def broken(events: tuple[Event, ...], time_tag: int | None = None) -> None:
            raise RuntimeError("our own")

        scene.server.connect(broken)
        client.send(build_msg("/interp", 0.5).dgram)
        await scene.until(1)
        scene.server.connect(scene.take)
        client.send(build_msg("/interp", 0.75).dgram)
        await scene.until(2)
        assert scene.values == [0.75]

    play(scenario)
    assert "our own" in caplog.text


def test_a_port_in_use_fails_with_one_line_that_says_what_to_do() -> None:
    async def scenario(scene: Scene, client: Client) -> None:
        _, port = client.socket.getpeername()
        with pytest.raises(OscAddressError) as caught:
            await OscServer(Desk(TABLE)).start("127.0.0.1", port)
        assert f"127.0.0.1:{port} (Address already in use)" in str(caught.value)
        assert "--osc HOST:PORT, or --osc none" in str(caught.value)
        assert "\n" not in str(caught.value)

    play(scenario)


def test_listening_on_a_foreign_address_fails() -> None:
    async def run() -> None:
        with pytest.raises(OscAddressError, match=r"cannot listen for OSC on 203\.0\.113\.1:0"):
            await OscServer(Desk(TABLE)).start("203.0.113.1", 0)

    asyncio.run(run())


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_port_used_by_tcp_or_udp_alone_is_in_use(kind: socket.SocketKind) -> None:
    async def run() -> None:
        with socket.socket(socket.AF_INET, kind) as other:
            other.bind(("127.0.0.1", 0))
            if kind == socket.SOCK_STREAM:
                other.listen()
            with pytest.raises(OscAddressError, match="Address already in use"):
                await OscServer(Desk(TABLE)).start(*other.getsockname())

    asyncio.run(run())


def test_an_unknown_host_fails_with_one_line() -> None:
    with pytest.raises(OscAddressError, match=r"'no host\.invalid': no such host.*--osc"):
        asyncio.run(OscServer(Desk(TABLE)).start("no host.invalid", 0))


def has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize(
    ("host", "families"), [("::1", ["::1"]), ("localhost", ["127.0.0.1", "::1"])]
)
def test_the_server_listens_on_ipv6_alone_and_beside_ipv4(host: str, families: list[str]) -> None:
    async def run() -> None:
        scene = Scene()
        addresses = await scene.server.start(host, 0)
        assert sorted(where for where, _ in addresses) == families
        assert len({port for _, port in addresses}) == 1
        for count, address in enumerate(addresses, 1):
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
            with contextlib.closing(Client(address, family)) as client:
                client.send(build_msg("/interp").dgram)
                assert await client.answer() == OscMessage("/interp", (0.25,))
            assert scene.server.received == count
        scene.server.stop()

    asyncio.run(run())


def test_packets_of_senders_not_allowed_are_counted_and_not_answered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario(scene: Scene, client: Client) -> None:
        client.send(*[build_msg("/interp").dgram] * 20)
        await scene.until(20)
        assert scene.batches == [] and scene.server.rejected == 20
        await client.silence()

    with caplog.at_level(logging.WARNING, "server.osc.server"):
        play(scenario, "10.0.0.0/8", "::1")
    assert "not allowed to send, see --osc-allow" in caplog.messages[0]
    assert len(caplog.messages) <= 3


@pytest.mark.parametrize("allowed", ["127.0.0.1", "127.0.0.0/8"])
def test_an_allowed_sender_is_answered(allowed: str) -> None:
    async def scenario(scene: Scene, client: Client) -> None:
        client.send(build_msg("/interp").dgram)
        assert (await client.answer()).address == "/interp"

    play(scenario, "10.0.0.1", allowed)


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [((), "anyone who can reach this machine can play"), (("10.0.0.0/8",), "to 10.0.0.0/8")],
)
def test_listening_on_the_network_is_logged(
    allowed: tuple[str, ...], expected: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        scene = Scene(*allowed)
        await scene.server.start("0.0.0.0", 0)
        scene.server.stop()

    asyncio.run(run())
    (line,) = caplog.messages
    assert "on 0.0.0.0" in line and expected in line


def test_listening_on_loopback_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(scene: Scene, client: Client) -> None:
        pass

    play(scenario)
    assert not caplog.messages


def test_a_reply_after_the_server_has_stopped_is_dropped() -> None:
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
        (fail("/x", "zero\0 and \udcff"), OscMessage("/fail", ("/x", "zero? and ?"))),
    ],
)
def test_an_encoded_reply_is_read_back(reply: Reply, expected: OscMessage) -> None:
    assert read_packet(encode(reply)).messages == (expected,)
