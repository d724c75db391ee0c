"""A feature is added in one place: its row, its event and its handler are enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pythonosc.osc_message_builder import build_msg

from server.controls.control import Control, ControlTable
from server.controls.events import Event, SetControl
from server.controls.feature import Expansion, Feature, Handler, Rejection
from server.controls.replies import Reply
from server.controls.table import control_table
from tests import mini_bundle
from tests.server.control_inputs import ControlRig


@dataclass(frozen=True)
class Shout(Event):
    """Say ``word``, loudly."""

    word: str


@dataclass(frozen=True)
class Hush(Event):
    """Be quiet."""


class Shouting(Feature):
    """Knows only what is here: ``/shout`` answers, ``/hush`` is a value, ``/tempo`` is refused."""

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {Shout: lambda event: event.answer(Reply("/shout", (event.word.upper(),)))}

    def expansions(self) -> Mapping[type[Event], Expansion]:
        return {Hush: lambda event: (SetControl("/mute", (1.0,)),)}

    def rejections(self) -> Mapping[str | type[Event], Rejection]:
        return {Shout: lambda event, among: None if event.word.isascii() else "ASCII only"}


def rig() -> ControlRig:
    table = control_table(mini_bundle.STYLE_DIMS)
    rows = (
        Control(name="shout", address="/shout", types="s", description="says it", command=Shout),
        Control(name="hush", address="/hush", types="", description="mutes", command=Hush),
    )
    return ControlRig(table=replace(table, rows=(*table.rows, *rows)), features=[Shouting()])


def test_a_command_answers_over_osc_once_its_row_event_and_handler_are_there() -> None:
    controls = rig()
    controls.send(build_msg("/shout", "hey").dgram)
    assert controls.sender.replies == [Reply("/shout", ("HEY",))]


def test_a_feature_turns_an_event_into_values() -> None:
    controls = rig()
    controls.send(build_msg("/hush", []).dgram)
    assert controls.desk.snapshot().value("/mute") == 1.0


def test_a_feature_says_why_it_cannot_carry_out_an_event_now() -> None:
    controls = rig()
    controls.send(build_msg("/shout", "h\u00e9").dgram)
    assert controls.sender.replies == [Reply("/fail", ("/shout", "ASCII only"))]


def test_a_value_control_needs_a_row_only() -> None:
    table = control_table(mini_bundle.STYLE_DIMS)
    row = Control(name="air", address="/air", types="f", description="air", minimum=0, maximum=1)
    controls = ControlRig(table=ControlTable((*table.rows, row)))
    controls.send(build_msg("/air", 0.25).dgram)
    controls.send(build_msg("/air", []).dgram)
    assert controls.sender.replies == [Reply("/air", (0.25,))]
