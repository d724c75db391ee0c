"""The paths of docs/architecture.md: the modules that a value and a deck pass through."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from pythonosc.osc_message_builder import build_msg

import server
from server.controls.desk import Desk
from server.controls.sample_clock import SampleClock
from server.controls.timeline import Timeline
from server.engine.deck import library_deck
from server.engine.runtime import RuntimeOptions
from server.models.preparing import prepare_model
from server.models.switch import ModelSwitch
from server.osc.server import OscServer
from tests import mini_bundle
from tests.server.control_inputs import FRAME_S, ControlRig, FakeSender

HERE = Path(server.__file__).parent

TO_THE_DESK = (
    "osc.server",
    "osc.mapping",
    "osc.packet",
    "osc.arguments",
    "live.dispatcher",
    "controls.desk",
)
FROM_THE_DESK_TO_THE_SOUND = (
    "models.switch",
    "controls.timeline",
    "engine.engine",
    "engine.glide",
    "engine.output_stage",
    "engine.mixer",
    "engine.interpolation",
    "engine.session",
    "engine.bypass",
    "engine.transposition",
    "engine.dc_blocker",
    "engine.limiter",
)
FROM_THE_DISPATCHER_TO_THE_DECK = ("decks.commands", "decks.encoder_worker", "engine.engine")
IN_THE_ENCODERS_PROCESS = ("decks.encoder_process", "decks.reading", "decks.encoding")

LOOK_ON = {
    "osc.access": "may this host send at all?",
    "osc.senders": "who sent it",
    "osc.dump": "prints it if asked to",
    "osc.scheduler": "is it due now?",
    "controls.control": "the row of the table, looked up",
    "controls.notify": "tells other clients afterwards",
    "clock.clocks": "follows tempo and transport afterwards",
}
"""Called on the way with something else, or afterwards; the value does not pass through them."""


def modules_called(call: Callable[[], Any]) -> list[str]:
    """Modules of the server in the order in which ``call`` first enters them, in this thread."""
    found: dict[str, None] = {}

    def watch(frame: FrameType, event: str, argument: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(HERE):
            found[".".join(path.relative_to(HERE).with_suffix("").parts)] = None

    sys.setprofile(watch)
    try:
        call()
    finally:
        sys.setprofile(None)
    return list(found)


class SentByUdp(FakeSender):
    peer = ("127.0.0.1", 9)

    __hash__ = object.__hash__


def osc_of(rig: ControlRig) -> OscServer:
    osc = OscServer(rig.desk, watchers=[lambda sender, _: rig.notifier.renew(sender)])
    osc.connect(rig.dispatch)
    return osc


def packet_arrives(rig: ControlRig, address: str, argument: float | str) -> Callable[[], None]:
    """A datagram as the event loop controls it over."""
    osc, packet = osc_of(rig), build_msg(address, argument).dgram
    sender = SentByUdp()
    return lambda: osc._receive_datagram(packet, sender)


def test_a_value_passes_six_modules_from_the_datagram_to_the_desk() -> None:
    rig = ControlRig()
    passed = modules_called(packet_arrives(rig, "/interp", 0.25))
    assert rig.desk.snapshot().value("/interp") == 0.25
    assert set(passed) - set(LOOK_ON) == set(TO_THE_DESK)
    assert len(TO_THE_DESK) <= 7


def test_a_value_passes_at_most_twenty_modules_to_the_sound() -> None:
    bundle = mini_bundle.bundle()
    desk = Desk(ControlRig().table, playing=True)
    timeline = Timeline(desk, SampleClock(FRAME_S))
    model = prepare_model(bundle, RuntimeOptions("cpu"), 4, lambda *_: None, table=desk.table)
    for deck, name in zip("ab", bundle.decks, strict=True):
        model.engine.put_deck(deck, library_deck(bundle.decks[name]))
    switch = ModelSwitch(timeline, model)
    passed = modules_called(lambda: np.abs(switch.render(4)))
    assert set(FROM_THE_DESK_TO_THE_SOUND) <= set(passed)
    assert len(TO_THE_DESK) + len(FROM_THE_DESK_TO_THE_SOUND) <= 20


def test_a_deck_passes_at_most_eleven_modules_from_the_datagram(tmp_path: Path) -> None:
    (tmp_path / "one.wav").touch()
    rig = ControlRig(media=tmp_path)
    path = (*TO_THE_DESK[:-1], *FROM_THE_DISPATCHER_TO_THE_DECK)
    by_name = modules_called(packet_arrives(rig, "/deck/a/load", "high"))
    assert rig.put == [("a", "high")]
    assert set(path) - {"decks.encoder_worker", "engine.engine"} <= set(by_name)
    assert len(path) + len(IN_THE_ENCODERS_PROCESS) <= 11
