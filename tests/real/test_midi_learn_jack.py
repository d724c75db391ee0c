"""MIDI learn, takeover and saved mappings, from another client's knobs to ``python -m server``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mido
import pytest

from tests.real.controllers import controller
from tests.real.jack_server import JackServer
from tests.real.needs import needs_jack_midi
from tests.server.live_server import Playing, playing
from tests.waiting import until

KNOB = "cc 20, channel 3, knobs:out"


@pytest.fixture(autouse=True)
def _jack_is_what_we_use(jack: JackServer) -> None:
    needs_jack_midi()


@contextmanager
def server(bundle_path: Path, folder: Path, jack: JackServer, *more: str) -> Iterator[Playing]:
    """A server connected to the knobs, with its configuration in ``folder``."""
    options = ("--midi", "all", "--config", str(folder), "--no-supervisor", *more)
    with playing(bundle_path, *options) as one:
        until(lambda: jack.connections().get("knobs:out", []) != [])
        yield one
        if one.process.poll() is None:
            one.tell("/quit")  # jackd hears nothing of some clients after others were killed
            one.process.wait(timeout=60)


def value(one: Playing, address: str) -> float:
    return float(one.ask(address).params[0])


def wait_for(one: Playing, address: str, wanted: float) -> None:
    until(lambda: value(one, address) == pytest.approx(wanted, abs=1e-6))


def test_a_knob_is_learned_beside_a_clock_and_a_jittering_one(
    jack: JackServer, bundle_path: Path, tmp_path: Path
) -> None:
    with controller() as knobs, server(bundle_path, tmp_path, jack) as one:
        one.tell("/midi/learn", "/level")
        one.ask("/sync", 1)
        for place in range(0, 60, 4):
            knobs.send(mido.Message("clock"))
            knobs.turn(63 + place % 8 // 4, control=21)
            knobs.turn(place)
        assert one.receive().params == ["/midi/learn", "/level", KNOB]
        knobs.turn(0, 127)
        wait_for(one, "/level", 6.0)
        knobs.turn(64, control=21)
        assert one.ask("/midi/forget", "/level").params == ["/midi/forget", "/level"]
        assert one.ask("/midi/learn", "/nothing").address == "/fail"


@pytest.mark.parametrize("takeover", ["jump", "pick-up", "scale"])
def test_a_control_is_taken_over_in_the_learned_way(
    jack: JackServer, bundle_path: Path, tmp_path: Path, takeover: str
) -> None:
    with controller() as knobs, server(bundle_path, tmp_path, jack) as one:
        one.tell("/midi/learn", "/interp", takeover)
        one.ask("/sync", 1)
        knobs.turn(0, 10, 20, 30)
        assert one.receive().address == "/done"
        one.tell("/interp", 0.9)
        knobs.turn(60)
        end = {"jump": 60 / 127, "pick-up": 0.9, "scale": 0.9 + 30 * 0.1 / 97}[takeover]
        received = figure(one, "midi_received")
        knobs.turn(60)
        until(lambda: figure(one, "midi_received") > received)
        assert value(one, "/interp") == pytest.approx(end, abs=1e-6)
        knobs.turn(127)
        wait_for(one, "/interp", 1.0)
        knobs.turn(20)
        wait_for(one, "/interp", 20 / 127)


def test_a_learned_mapping_survives_an_immediate_kill(
    jack: JackServer, bundle_path: Path, tmp_path: Path
) -> None:
    addresses = ["/level", "/walk", "/latent/1"]
    with controller() as knobs:
        for number, address in enumerate(addresses, 40):
            with server(bundle_path, tmp_path, jack) as one:
                one.tell("/midi/learn", address)
                one.ask("/sync", 1)
                knobs.turn(0, 40, 80, 127, control=number)
                assert one.receive().address == "/done"
                one.process.kill()
                one.process.wait()
        kept = json.loads((tmp_path / "midi.json").read_text())["maps"]
        assert [entry["control"] for entry in kept] == addresses
        with server(bundle_path, tmp_path, jack) as one:
            for number, address in enumerate(addresses, 40):
                knobs.turn(127, control=number)
                wait_for(one, address, {"/level": 6.0, "/walk": 1.0, "/latent/1": 3.0}[address])


def figure(one: Playing, name: str) -> float:
    """A figure of ``/status.reply``."""
    told = one.ask("/status").params
    return float(dict(zip(told[::2], told[1::2], strict=True))[name])
