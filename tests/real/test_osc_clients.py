"""A playing server and third-party OSC clients: Pure Data, SuperCollider and npm's osc.

Each sets a value, queries it and prints the reply; our client then queries the value too.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from export.bundle.archive import write_bundle
from tests import mini_bundle
from tests.real.needs import missing, needs
from tests.server.live_server import Playing, playing

NPM_PACKAGE = "osc@2.4.5"

PD_PATCH = """\
#N canvas 0 0 450 300 12;
#X obj 10 10 loadbang;
#X obj 10 40 t b b b;
#X msg 200 70 connect 127.0.0.1 {port};
#X msg 100 70 0.25;
#X msg 10 70 list;
#X obj 10 120 oscformat interp;
#X obj 10 150 list prepend send;
#X obj 10 170 list trim;
#X obj 10 200 netsend -u -b;
#X obj 10 230 oscparse;
#X obj 10 260 print reply;
#X connect 0 0 1 0;
#X connect 1 2 2 0;
#X connect 1 1 3 0;
#X connect 1 0 4 0;
#X connect 2 0 8 0;
#X connect 3 0 5 0;
#X connect 4 0 5 0;
#X connect 5 0 6 0;
#X connect 6 0 7 0;
#X connect 7 0 8 0;
#X connect 8 1 9 0;
#X connect 9 0 10 0;
"""

SC_SCRIPT = """
fork {{
    var target = NetAddr("127.0.0.1", {port});
    OSCFunc({{ |message| ("reply: " ++ message).postln; }}, '/interp');
    OSCFunc({{ |message| ("reply: " ++ message).postln; }}, '/done');
    target.sendMsg('/notify', 1);
    target.sendMsg('/interp', 0.5);
    target.sendMsg('/interp');
    target.sendBundle(0.3, ['/interp', 0.75], ['/level', -6]);
    target.sendBundle(0.6, ['/interp']);
    2.wait;
    0.exit;
}};
"""

NODE_SCRIPT = """
const osc = require("osc");
const [kind, port] = [process.argv[2], Number(process.argv[3])];
const client = kind === "udp"
    ? new osc.UDPPort({localAddress: "127.0.0.1", localPort: 0,
                       remoteAddress: "127.0.0.1", remotePort: port, metadata: true})
    : new osc.TCPSocketPort({address: "127.0.0.1", port: port, metadata: true});
client.on("message", (message) => {
    console.log("reply:", message.address, message.args.map((one) => one.value).join(" "));
    process.exit(0);
});
client.on("ready", () => {
    client.send({timeTag: {raw: [0, 1]}, packets: [
        {address: "/interp", args: [{type: "f", value: 0.375}]},
        {address: "/latent", args: [[{type: "d", value: 1.5}, {type: "i", value: -2}]]},
        {address: "/mute", args: [{type: "T"}]},
    ]});
    client.send({address: "/interp", args: []});
});
client.open();
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playing]:
    path = tmp_path_factory.mktemp("bundle") / "mini.bundle"
    write_bundle(path, mini_bundle.bundle())
    with playing(path) as running:
        yield running
        running.client.send(b"/quit\0\0\0,\0\0\0")
        running.process.wait(timeout=30)


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The npm package, installed once without its scripts, whose builds are not needed here."""
    needs("node", "npm")
    folder = tmp_path_factory.mktemp("npm")
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder)]
    try:
        ended = subprocess.run(
            ["npm", "install", *options, NPM_PACKAGE], capture_output=True, text=True, timeout=240
        )
    except subprocess.TimeoutExpired:
        missing(f"npm did not install {NPM_PACKAGE} within 240 s")
    if ended.returncode:
        missing(f"npm could not install {NPM_PACKAGE} ({ended.stderr.strip()[-200:]})")
    return folder / "node_modules"


@contextmanager
def lines_of(words: Sequence[str], **variables: str) -> Iterator[Iterator[str]]:
    """The lines that a client prints while it runs; it is ended on exit."""
    with subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **variables},
    ) as process:
        assert process.stdout is not None
        try:
            yield iter(process.stdout)
        finally:
            process.kill()


def first_reply(lines: Iterator[str], count: int = 1) -> list[str]:
    """The first ``count`` lines that begin with ``reply:``."""
    replies: list[str] = []
    everything = []
    for line in lines:
        everything.append(line)
        if line.startswith("reply:"):
            replies.append(line.removeprefix("reply:").strip())
        if len(replies) == count:
            return replies
    raise AssertionError(f"{len(replies)} of {count} replies: {''.join(everything)[-2000:]}")


def port_of(server: Playing) -> int:
    port: int = server.client.getpeername()[1]
    return port


def test_pure_data_sets_a_value_and_gets_the_reply(server: Playing, tmp_path: Path) -> None:
    needs("pd")
    patch = tmp_path / "client.pd"
    patch.write_text(PD_PATCH.format(port=port_of(server)))
    with lines_of(["pd", "-nogui", "-noaudio", "-nomidi", "-stderr", str(patch)]) as lines:
        assert first_reply(lines) == ["list interp 0.25"]
    assert server.ask("/interp").params == [0.25]


def test_supercollider_sets_values_at_once_and_by_time_tag(server: Playing, tmp_path: Path) -> None:
    needs("sclang")
    script = tmp_path / "client.scd"
    script.write_text(SC_SCRIPT.format(port=port_of(server)))
    before = status(server)["osc_late"]
    with tempfile.TemporaryDirectory() as home:  # a short path, for the sockets in it
        variables = {
            "QT_QPA_PLATFORM": "offscreen",  # it is linked with Qt and has no window here
            "QTWEBENGINE_DISABLE_SANDBOX": "1",  # it ends at once as root otherwise
            "XDG_RUNTIME_DIR": home,
            "HOME": home,
        }
        with lines_of(["sclang", str(script)], **variables) as lines:
            replies = first_reply(lines, 3)
    assert replies == ["[ /done, /notify, 0 ]", "[ /interp, 0.5 ]", "[ /interp, 0.75 ]"]
    assert server.ask("/interp").params == [0.75]
    assert server.ask("/level").params == [-6.0]
    assert status(server)["osc_late"] == before


@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_the_npm_package_sets_values_over_udp_and_tcp(
    kind: str, server: Playing, node_modules: Path, tmp_path: Path
) -> None:
    script = tmp_path / "client.js"
    script.write_text(NODE_SCRIPT)
    variables = {"NODE_PATH": str(node_modules)}
    assert server.ask("/sync", 1).params == [1]
    for address in ("/interp", "/mute"):
        server.client.send(setting_to_zero(address))
    with lines_of(["node", str(script), kind, str(port_of(server))], **variables) as lines:
        assert first_reply(lines) == ["/interp 0.375"]
    assert server.ask("/interp").params == [0.375]
    assert server.ask("/latent").params[:2] == [1.5, -2.0]
    assert server.ask("/mute").params == [1]


def setting_to_zero(address: str) -> bytes:
    padding = b"\0" * (4 - len(address) % 4)
    return address.encode() + padding + b",i\0\0\0\0\0\0"


def status(server: Playing) -> dict[str, float]:
    answer = server.ask("/status").params
    return dict(zip(answer[::2], answer[1::2], strict=True))
