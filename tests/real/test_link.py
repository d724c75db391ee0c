"""Ableton Link between two real peers: this process and a server in its own."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from export.bundle.archive import write_bundle
from server.clock.link import QUANTUM, LinkClock
from tests import mini_bundle
from tests.real.needs import missing
from tests.server.live_server import Playing, playing
from tests.waiting import until


@pytest.fixture(autouse=True)
def _link_is_installed() -> None:
    if importlib.util.find_spec("link") is None:
        missing("Ableton Link's binding is not installed (extra link)")


@pytest.fixture
def peer() -> Iterator[LinkClock]:
    clock = LinkClock(93.0)
    yield clock
    clock.close()


def status(server: Playing) -> dict[str, float | str]:
    words = server.ask("/status").params
    return dict(zip(words[::2], words[1::2], strict=True))


def tempo(server: Playing) -> float:
    return float(server.ask("/tempo").params[0])


def test_a_server_joins_the_session_and_follows_tempo_and_phase(
    peer: LinkClock, bundle_path: Path
) -> None:
    with playing(bundle_path, "--set", "/clock=link") as server:
        until(lambda: peer.peers == 1)
        until(lambda: abs(tempo(server) - peer.line.tempo_bpm) < 0.01)
        peer.set_tempo(131.0)
        until(lambda: abs(tempo(server) - 131.0) < 0.01)
        assert status(server)["link_peers"] == 1

        def apart() -> float:
            """The distance in beats of the bar between the two at one moment."""
            asked = peer.line
            told = float(status(server)["clock_beat"])
            answered = peer.line
            # The server answered somewhere in between.
            middle = asked.beat_at((asked.at_s + answered.at_s) / 2)
            away = abs((told - middle + QUANTUM / 2) % QUANTUM - QUANTUM / 2)
            return away - (answered.at_s - asked.at_s) / 2 * 131 / 60

        until(lambda: apart() < 0.02)


def test_setting_the_tempo_changes_it_for_all_peers(peer: LinkClock, bundle_path: Path) -> None:
    with playing(bundle_path, "--set", "/tempo=77") as server:
        server.ask("/sync", 1)
        assert peer.peers == 0
        server.ask("/clock")
        server.client.send(b"/clock\0\0,s\0\0link\0\0\0\0")
        until(lambda: peer.peers == 1)
        until(lambda: abs(tempo(server) - peer.line.tempo_bpm) < 0.01)
        server.client.send(b"/tempo\0\0,i\0\0\0\0\0\x6e")
        until(lambda: abs(peer.line.tempo_bpm - 110) < 0.01)
        server.client.send(b"/clock\0\0,s\0\0internal\0\0\0\0")
        until(lambda: peer.peers == 0)
        peer.set_tempo(60.0)
        assert tempo(server) == 110


@pytest.fixture
def with_beats(tmp_path: Path) -> Path:
    """A bundle with one deck of eight beats at 110 bpm."""
    made = mini_bundle.bundle()
    beat_ticks = 60 / 110 * mini_bundle.RATE_HZ / mini_bundle.HOP / mini_bundle.TICK_FRAMES
    ticks = round(8 * beat_ticks)
    deck = mini_bundle.deck("low", 0.5, 1, ticks=ticks)
    deck = replace(deck, tempo_bpm=110.0, first_beat_s=0.0, tempo_confidence=1.0)
    write_bundle(tmp_path / "beats.bundle", replace(made, decks={"low": deck}))
    return tmp_path / "beats.bundle"


def test_a_peer_starts_and_stops_the_server_which_keeps_its_beat(
    peer: LinkClock, with_beats: Path
) -> None:
    with playing(with_beats, "--set", "/clock=link") as server:
        until(lambda: peer.peers == 1 and status(server)["link_peers"] == 1)
        server.tell("/stop")
        until(lambda: status(server)["playing"] == 0)
        peer.set_playing(True)
        until(lambda: status(server)["playing"] == 1)
        until(lambda: status(server)["clock_locked"] == 1)
        until(lambda: abs(float(status(server)["clock_error_ms"])) < 2)
        peer.set_tempo(125.0)
        until(lambda: abs(tempo(server) - 125.0) < 0.01)
        until(lambda: abs(float(status(server)["clock_error_ms"])) < 2)
        peer.set_playing(False)
        until(lambda: status(server)["playing"] == 0)
        server.tell("/play")
        until(lambda: peer.is_playing)
