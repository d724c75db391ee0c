"""MIDI feedback from ``python -m server`` to another JACK client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from export.bundle.archive import write_bundle
from tests import mini_bundle
from tests.real.controllers import CHANNEL, Controller, controller
from tests.real.jack_server import JackServer
from tests.real.needs import needs_jack_midi
from tests.server.live_server import Playing, playing
from tests.waiting import until

CC = 0xB0 | CHANNEL


@pytest.fixture(autouse=True)
def _jack_is_what_we_use(jack: JackServer) -> None:
    needs_jack_midi()


@contextmanager
def server(folder: Path, *more: str) -> Iterator[Playing]:
    write_bundle(folder / "mini.bundle", mini_bundle.bundle())
    options = ("--midi", "all", "--config", str(folder), "--no-supervisor", *more)
    with playing(folder / "mini.bundle", *options) as one:
        yield one
        one.tell("/quit")  # jackd hears nothing of some clients after others were killed
        one.process.wait(timeout=60)


def learn(one: Playing, knobs: Controller, jack: JackServer, address: str, number: int) -> None:
    until(lambda: bool(jack.connections().get("knobs:out")))
    one.tell("/midi/learn", address)
    one.ask("/sync", 1)
    knobs.turn(0, 40, 80, 127, control=number)
    assert one.receive().address == "/done"


def test_lights_follow_osc_but_not_the_knob_itself(jack: JackServer, tmp_path: Path) -> None:
    with controller() as knobs, server(tmp_path) as one:
        learn(one, knobs, jack, "/interp", 20)
        knobs.turn(10, 20, 30)
        until(lambda: one.ask("/interp").params == [pytest.approx(30 / 127)])
        one.tell("/interp", 1.0)
        until(lambda: knobs.heard[-1:] == [(CC, 20, 127)])
        assert not {(CC, 20, place) for place in (10, 20, 30)} & set(knobs.heard)


def test_a_replugged_controller_is_sent_all_values(jack: JackServer, tmp_path: Path) -> None:
    with server(tmp_path) as one:
        with controller() as knobs:
            learn(one, knobs, jack, "/interp", 20)
            learn(one, knobs, jack, "/walk", 21)
        one.tell("/interp", 0.5)
        one.tell("/walk", 0.25)
        with controller() as knobs:
            until(lambda: {(CC, 20, 64), (CC, 21, 32)} <= set(knobs.heard))


def test_a_loop_in_the_cables_changes_nothing(jack: JackServer, tmp_path: Path) -> None:
    with controller(echoes=True) as knobs, server(tmp_path) as one:
        learn(one, knobs, jack, "/interp", 20)
        for step in range(50):
            one.tell("/interp", step / 50)
            assert one.ask("/sync", step).params == [step]
        one.tell("/interp", 0.777)
        until(lambda: knobs.heard[-1:] == [(CC, 20, 99)])
        heard = len(knobs.heard)
        received = figure(one)
        knobs.turn(5, control=99)
        until(lambda: figure(one) > received)
        assert one.ask("/interp").params == [pytest.approx(0.777)]
        assert len(knobs.heard) == heard


def figure(one: Playing) -> float:
    told = one.ask("/status").params
    return float(dict(zip(told[::2], told[1::2], strict=True))["midi_received"])


def test_no_feedback_is_sent_when_it_is_off(jack: JackServer, tmp_path: Path) -> None:
    with controller() as knobs, server(tmp_path, "--midi-feedback", "off") as one:
        learn(one, knobs, jack, "/interp", 20)
        one.tell("/interp", 0.5)
        received = figure(one)
        knobs.turn(5, control=99)
        until(lambda: figure(one) > received)
        assert knobs.heard == []


def test_feedback_for_our_own_input_goes_to_our_own_output(
    jack: JackServer, tmp_path: Path
) -> None:
    with controller("daw") as daw, server(tmp_path, "--set", "/interp=0.5") as one:
        until(lambda: "latent-deck-out:out" in jack.connections())
        jack.connect("latent-deck-out:out", "daw-in:in")
        until(lambda: bool(jack.connections().get("daw:out")))
        one.tell("/midi/learn", "/interp")
        one.ask("/sync", 1)
        jack.disconnect_all("daw:out")
        jack.connect("daw:out", "latent-deck:in")
        daw.turn(0, 40, 80, 127)
        assert "latent-deck:in" in one.receive().params[2]
        one.tell("/interp", 1.0)
        until(lambda: daw.heard[-1:] == [(CC, 20, 127)])
