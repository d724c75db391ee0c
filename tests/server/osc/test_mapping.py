"""Messages to events: a table of accepted ones and a table of refused ones."""

from __future__ import annotations

import math

import pytest

from server.command_line.initial_values import setting
from server.controls.events import (
    Event,
    LoadDeck,
    Panic,
    Play,
    Query,
    Quit,
    SetControl,
    StatusRequest,
    Stop,
    SyncRequest,
    VersionRequest,
)
from server.controls.replies import Reply
from server.controls.table import control_table
from server.osc.arguments import Argument, Char, Impulse, TimeTag
from server.osc.mapping import MappingError, events_of_message
from server.osc.packet import OscMessage

TABLE = control_table(style_dims=8)


class Someone:
    """A sender that is only compared and never replied to."""

    def reply(self, reply: Reply) -> None:
        raise AssertionError("mapping answers nobody")


SENDER = Someone()


def events_of(address: str, *arguments: Argument) -> tuple[Event, ...]:
    return events_of_message(TABLE, OscMessage(address, arguments), SENDER)


@pytest.mark.parametrize(
    ("address", "arguments", "expected"),
    [
        ("/interp", (0.25,), SetControl("/interp", (0.25,), reply_to=SENDER)),
        ("/interp", (1,), SetControl("/interp", (1.0,), reply_to=SENDER)),
        ("/interp", (True,), SetControl("/interp", (1.0,), reply_to=SENDER)),
        ("/interp", (False,), SetControl("/interp", (0.0,), reply_to=SENDER)),
        ("/interp/style", (0.0,), SetControl("/interp/style", (0.0,), reply_to=SENDER)),
        ("/latent/7", (-3,), SetControl("/latent/7", (-3.0,), reply_to=SENDER)),
        ("/latent", (0.5,) * 8, SetControl("/latent", (0.5,) * 8, reply_to=SENDER)),
        ("/latent", (1, 2.0), SetControl("/latent", (1.0, 2.0), reply_to=SENDER)),
        ("/latent", ((1, (2.0,)), 3), SetControl("/latent", (1.0, 2.0, 3.0), reply_to=SENDER)),
        ("/level", (-60,), SetControl("/level", (-60.0,), reply_to=SENDER)),
        ("/mute", (1,), SetControl("/mute", (1.0,), reply_to=SENDER)),
        ("/mute", (1.0,), SetControl("/mute", (1.0,), reply_to=SENDER)),
        ("/mute", (True,), SetControl("/mute", (1.0,), reply_to=SENDER)),
        ("/mute", (False,), SetControl("/mute", (0.0,), reply_to=SENDER)),
        ("/interp", (), Query("/interp", reply_to=SENDER)),
        ("/latent", (), Query("/latent", reply_to=SENDER)),
        ("/latent/3", (), Query("/latent/3", reply_to=SENDER)),
        ("/deck/a/load", ("piano",), LoadDeck("a", "piano", reply_to=SENDER)),
        ("/deck/b/load", ("x/y.wav",), LoadDeck("b", "x/y.wav", reply_to=SENDER)),
        ("/play", (), Play(reply_to=SENDER)),
        ("/play", (Impulse(),), Play(reply_to=SENDER)),
        ("/stop", (), Stop(reply_to=SENDER)),
        ("/panic", (), Panic(reply_to=SENDER)),
        ("/status", (), StatusRequest(reply_to=SENDER)),
        ("/version", (), VersionRequest(reply_to=SENDER)),
        ("/sync", (-7,), SyncRequest(-7, reply_to=SENDER)),
        ("/sync", (3.0,), SyncRequest(3, reply_to=SENDER)),
        ("/quit", (), Quit(reply_to=SENDER)),
    ],
)
def test_a_message_becomes_its_event(
    address: str, arguments: tuple[Argument, ...], expected: Event
) -> None:
    assert events_of(address, *arguments) == (expected,)


@pytest.mark.parametrize(
    ("address", "arguments", "reason"),
    [
        ("/intrep", (0.5,), "/intrep: no such control; --list-controls shows them all"),
        ("/latent/8", (0.5,), "no such control"),
        ("/latent/-1", (0.5,), "no such control"),
        ("/latent/01", (0.5,), "no such control"),
        ("/interp/", (0.5,), "no such control"),
        ("/deck/e/load", ("x",), "no such control"),
        ("/interp", (1.5,), "/interp: 1.5 is out of range; allowed are 0 to 1"),
        ("/interp", (1.0000001192092896,), "1.00000012 is out of range"),
        ("/interp", (-1,), "-1 is out of range"),
        ("/interp", (math.nan,), "nan is out of range"),
        ("/interp", (math.inf,), "inf is out of range"),
        ("/level", (-math.inf,), "-inf is out of range; allowed are -60 to 6 dB"),
        ("/latent", (0.0, 3.5), "3.5 is out of range; allowed are -3 to 3 spreads"),
        ("/interp", (0.5, 0.5), "2 arguments; it takes 1 argument"),
        ("/latent", (0.0,) * 9, "9 arguments; it takes 1 to 8 arguments"),
        ("/play", (1,), "1 arguments; it takes 0 arguments"),
        ("/deck/a/load", (), "0 arguments; it takes 1 argument"),
        ("/sync", (), "0 arguments; it takes 1 argument"),
        ("/interp", ("half",), "half is not a number"),
        ("/interp", (None,), "None is not a number"),
        ("/interp", (b"\0",), "bytes is not a number"),
        ("/interp", ((0.5,),), "tuple is not a number"),
        ("/interp", (Impulse(),), "Impulse is not a number"),
        ("/interp", (TimeTag(1),), "TimeTag is not a number"),
        ("/mute", (0.5,), "0.5 is not a whole number"),
        ("/mute", (2,), "2 is out of range; allowed are 0 to 1"),
        ("/mute", (math.nan,), "nan is not a whole number"),
        ("/mute", ("on",), "on is not a whole number"),
        ("/sync", (2**31,), "2147483648 is not a whole number of 32 bits"),
        ("/sync", (1e300,), "1e[+]300 is not a whole number of 32 bits"),
        ("/deck/a/load", (3,), "3 is not text"),
        ("/deck/a/load", ("",), "'' is not text, or empty"),
        ("/deck/a/load", (Char("x"),), "Char is not text"),
        ("/deck/*/load", ("x",) * 2, "2 arguments; it takes 1"),
        ("/{", (0.5,), "not closed"),
        ("/nothing*", (0.5,), "reaches no control"),
        ("/quit*", (), "reaches no control that has arguments"),
        ("/*", (0.5,), ": 0.5 is not a whole number|/latent"),
    ],
)
def test_a_message_that_no_control_accepts_is_refused_with_the_reason(
    address: str, arguments: tuple[Argument, ...], reason: str
) -> None:
    with pytest.raises(MappingError, match=reason) as caught:
        events_of(address, *arguments)
    assert "\n" not in str(caught.value)


def test_a_pattern_reaches_every_control_it_matches() -> None:
    assert events_of("/latent/*", 0.5) == tuple(
        SetControl(f"/latent/{index}", (0.5,), reply_to=SENDER) for index in range(8)
    )
    assert events_of("/deck/{a,b}/load", "piano") == (
        LoadDeck("a", "piano", reply_to=SENDER),
        LoadDeck("b", "piano", reply_to=SENDER),
    )


def test_a_pattern_without_arguments_queries_values_but_runs_no_command() -> None:
    (*queries,) = events_of("/{interp,latent,level,mute,play,quit,panic}")
    assert queries == [
        Query(address, reply_to=SENDER) for address in ("/interp", "/latent", "/level", "/mute")
    ]


def test_hostile_text_is_shortened_and_escaped_in_errors() -> None:
    with pytest.raises(MappingError) as caught:
        events_of("/interp", "\u202e" + "x" * 10000)
    assert len(str(caught.value)) < 120 and str(caught.value).isascii()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/interp=0.5", SetControl("/interp", (0.5,))),
        ("/interp=1", SetControl("/interp", (1.0,))),
        ("/latent=0.5,-1", SetControl("/latent", (0.5, -1.0))),
        ("/latent/3=-2e0", SetControl("/latent/3", (-2.0,))),
        ("/mute=1", SetControl("/mute", (1.0,))),
    ],
)
def test_a_command_line_setting_becomes_its_event(text: str, expected: Event) -> None:
    assert setting(TABLE, text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("/interp", "expected ADDRESS=VALUE, for example /interp=0.5"),
        ("/interp=", "expected ADDRESS=VALUE"),
        ("", "expected ADDRESS=VALUE"),
        ("/interp=half", "half is not a number"),
        ("/interp=nan", "nan is out of range"),
        ("/interp=2", "2 is out of range; allowed are 0 to 1"),
        ("/nowhere=1", "no such control"),
        ("/sync=1", "is a command"),
        ("/play=1", "is a command"),
        ("/latent/*=1", "several controls"),
        ("/deck/*/load=x", "several controls"),
    ],
)
def test_an_invalid_command_line_setting_is_refused(text: str, reason: str) -> None:
    with pytest.raises(MappingError, match=reason):
        setting(TABLE, text)
