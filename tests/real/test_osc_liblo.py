"""OSC from and to third-party programs: liblo's oscsend and oscdump."""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import IO

import pytest

from server.controls.desk import Desk
from server.controls.events import Event, LoadDeck, Play, Query, SetControl, SyncRequest
from server.controls.replies import Reply
from server.controls.table import control_table
from server.osc.senders import UdpSender
from server.osc.server import OscServer
from tests.real.needs import needs

TABLE = control_table(style_dims=4)


@contextlib.asynccontextmanager
async def listening(kind: str = "udp") -> AsyncIterator[tuple[OscServer, str, list[Event]]]:
    events: list[Event] = []

    def take(group: tuple[Event, ...], time_tag: int | None = None) -> None:
        events.extend(replace(event, reply_to=None) for event in group)

    server = OscServer(Desk(TABLE))
    server.connect(take)
    ((_, port),) = await server.start("127.0.0.1", 0)
    try:
        yield server, f"osc.{kind}://127.0.0.1:{port}", events
    finally:
        server.stop()


async def oscsend(*words: str) -> None:
    process = await asyncio.create_subprocess_exec("oscsend", *words)
    assert await asyncio.wait_for(process.wait(), timeout=10) == 0


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["/interp", "f", "0.25"], SetControl("/interp", (0.25,))),
        (["/interp", "i", "1"], SetControl("/interp", (1.0,))),
        (["/interp/style", "d", "0.5"], SetControl("/interp/style", (0.5,))),
        (["/latent", "ffi", "0.5", "-0.5", "2"], SetControl("/latent", (0.5, -0.5, 2.0))),
        (["/mute", "T"], SetControl("/mute", (1.0,))),
    ],
)
@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_a_message_from_oscsend_moves_a_control(
    words: list[str], expected: Event, kind: str
) -> None:
    needs("oscsend")

    async def scenario() -> None:
        async with listening(kind) as (server, url, events):
            await oscsend(url, *words)
            async with asyncio.timeout(5):
                while not server.received:
                    await asyncio.sleep(0.01)
            assert events == [expected]

    asyncio.run(scenario())


def test_commands_and_queries_from_oscsend_are_accepted() -> None:
    needs("oscsend")

    async def scenario() -> None:
        async with listening() as (server, url, events):
            for words in ("/play", "/deck/a/load s piano", "/sync i 7", "/interp"):
                await oscsend(url, *words.split())
            async with asyncio.timeout(5):
                while server.received < 4:
                    await asyncio.sleep(0.01)
            kinds = [type(event) for event in events]
            assert kinds == [Play, LoadDeck, SyncRequest, Query] and server.rejected == 0

    asyncio.run(scenario())


def test_a_wrong_message_from_oscsend_is_refused_and_the_next_accepted() -> None:
    needs("oscsend")

    async def scenario() -> None:
        async with listening() as (server, url, events):
            await oscsend(url, "/interp", "s", "half")
            await oscsend(url, "/interp", "I")
            await oscsend(url, "/interp", "f", "0.75")
            async with asyncio.timeout(5):
                while server.received < 3:
                    await asyncio.sleep(0.01)
            assert (events, server.rejected) == ([SetControl("/interp", (0.75,))], 2)

    asyncio.run(scenario())


def test_oscdump_reads_our_replies() -> None:
    needs("oscdump", "stdbuf")
    port = free_port()
    with subprocess.Popen(
        ["stdbuf", "-oL", "oscdump", str(port)], stdout=subprocess.PIPE, text=True
    ) as dump:
        try:
            assert dump.stdout
            asyncio.run(answer_until_read(port, dump.stdout))
            line = dump.stdout.readline()
        finally:
            dump.terminate()
    assert line.split()[1:] == ["/status.reply", "sif", '"late_blocks"', "3", "1.500000"]


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def answer_until_read(port: int, dumped: IO[str]) -> None:
    """Send replies to ``port`` until ``dumped`` has a line."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0)
    )
    sender = UdpSender(transport, ("127.0.0.1", port))
    async with asyncio.timeout(10):
        while not select.select([dumped], [], [], 0)[0]:
            sender.reply(Reply("/status.reply", ("late_blocks", 3, 1.5)))
            await asyncio.sleep(0.05)
    transport.close()
