"""Controllers and the JACK server disappear and return while ``python -m server`` plays."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from export.bundle.archive import write_bundle
from tests import mini_bundle
from tests.real import jack_server
from tests.real.controllers import controller
from tests.real.jack_server import JackServer
from tests.real.needs import needs_jack_midi
from tests.server.live_server import playing
from tests.waiting import until

ENTRY = (
    '{"midi maps": 1, "maps": [{"control": "/level", "port": "knobs:out", "kind": "cc", '
    '"number": 20}, {"control": "/walk", "port": "pads:out", "kind": "cc", "number": 20}]}'
)


@pytest.fixture
def options(tmp_path: Path) -> tuple[str, ...]:
    """The options of a server with two learned controllers."""
    needs_jack_midi()
    write_bundle(tmp_path / "mini.bundle", mini_bundle.bundle())
    (tmp_path / "midi.json").write_text(ENTRY)
    return ("--midi", "all", "--config", str(tmp_path), "--no-supervisor")


def is_heard(jack: JackServer, name: str) -> bool:
    return bool(jack.connections().get(f"{name}:out"))


def test_several_controllers_can_go_and_come_back_at_once(
    options: tuple[str, ...], tmp_path: Path
) -> None:
    with (
        jack_server.running(tmp_path / "jack.log", name="returning") as jack,
        playing(tmp_path / "mini.bundle", *options) as one,
    ):
        for end in (127, 0, 127):
            with controller("knobs") as knobs, controller("pads") as pads:
                heard_s = until(lambda: is_heard(jack, "knobs") and is_heard(jack, "pads"))
                print(f"both are heard {heard_s:.2f} s after they were plugged in")
                level = 6.0 if end else -60.0
                knobs.turn_until(end, lambda level=level: one.ask("/level").params == [level])
                pads.turn_until(end, lambda end=end: one.ask("/walk").params == [end / 127])


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_midi_is_heard_again_after_the_jack_server_has_died(
    options: tuple[str, ...], tmp_path: Path, ending: signal.Signals
) -> None:
    with jack_server.running(tmp_path / "jack.log", name="returning") as jack:
        server = playing(tmp_path / "mini.bundle", *options)
        one = server.__enter__()
        try:
            with controller() as knobs:
                until(lambda: is_heard(jack, "knobs"))
                knobs.turn_until(127, lambda: one.ask("/level").params == [6.0])
                jack.process.send_signal(ending)
                jack.process.wait()
            assert one.ask("/level").params == [6.0]
            for turn in range(2):
                with (
                    jack_server.running(tmp_path / "again.log", name="returning") as again,
                    controller() as knobs,
                ):
                    until(lambda again=again: is_heard(again, "knobs"))
                    until(lambda again=again: "latent-deck:in" in again.connections())
                    level = 6.0 if turn else -60.0
                    knobs.turn_until(
                        127 * turn, lambda level=level: one.ask("/level").params == [level]
                    )
            assert one.ask("/quit").params == ["/quit"]
            assert one.process.wait(timeout=60) == 0
        finally:
            server.__exit__(None, None, None)
