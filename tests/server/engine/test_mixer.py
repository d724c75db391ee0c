"""Four decks mixed by OSC messages, as seen in the decoder's input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pythonosc.osc_message_builder import build_msg

from server.controls.events import SetControl
from server.controls.replies import Reply
from server.engine.deck import DeckData
from server.engine.interpolation import shares
from server.osc.mapping import MappingError, events_of_message
from server.osc.packet import OscMessage
from tests import mini_bundle
from tests.server.control_inputs import ControlRig, FakeSender
from tests.server.fakes import fake_deck

CORNERS = {"a": (0.0, 0.0), "b": (1.0, 0.0), "c": (0.0, 1.0), "d": (1.0, 1.0)}
NUMBERS = dict(zip(CORNERS, (0.1, 0.2, 0.4, 0.8), strict=True))
SETTLED_FRAMES = 200


def rig(decks: str = "abcd") -> ControlRig:
    controls = ControlRig()
    for name in decks:
        number = NUMBERS[name]
        controls.engine.put_deck(name, fake_deck(name, number, structure=number / 2))
    controls.render(4)
    return controls


def heard(controls: ControlRig, *messages: tuple[str, object]) -> tuple[float, float]:
    """Style and structure after ``messages``, once everything has settled."""
    for address, arguments in messages:
        controls.send(build_msg(address, arguments).dgram)
    controls.render(SETTLED_FRAMES)
    style, structure = controls.session.style[:, -1], controls.session.structure[:, -1]
    assert np.ptp(style) < 1e-6 and np.ptp(structure) < 1e-6
    return float(style[0]), float(structure[0])


def mixed(x: float, y: float) -> float:
    weights = shares(np.array([x]), np.array([y]))[:, 0]
    return float(weights @ list(NUMBERS.values()))


@pytest.mark.parametrize("name", CORNERS)
def test_each_deck_is_at_its_corner(name: str) -> None:
    style, structure = heard(rig(), ("/interp/xy", list(CORNERS[name])))
    assert (style, structure) == pytest.approx((NUMBERS[name], NUMBERS[name] / 2), abs=1e-5)


def test_between_the_corners_style_and_structure_are_bilinear() -> None:
    style, structure = heard(rig(), ("/interp/xy", [0.25, 0.6]))
    assert (style, structure) == pytest.approx((mixed(0.25, 0.6), mixed(0.25, 0.6) / 2), abs=1e-5)


def test_interp_is_xy_with_y_zero() -> None:
    controls = rig()
    heard(controls, ("/interp/xy", [0.25, 1.0]))
    style, structure = heard(controls, ("/interp", 0.5))
    assert (style, structure) == pytest.approx((mixed(0.5, 0), mixed(0.5, 0) / 2), abs=1e-5)
    controls.send(build_msg("/interp/xy").dgram)
    assert controls.sender.replies == [Reply("/interp/xy", (0.5, 0.0))]


def test_style_and_structure_apart_move_along_x_and_keep_y() -> None:
    moves = ("/interp/xy", [0.0, 1.0]), ("/interp/style", 1.0), ("/interp/structure", 0.5)
    style, structure = heard(rig(), *moves)
    assert (style, structure) == pytest.approx((mixed(1, 1), mixed(0.5, 1) / 2), abs=1e-5)


def test_xy_takes_two_numbers_or_nothing() -> None:
    table = rig().table
    for arguments in ((0.5,), (0.5, 0.5, 0.5), (0.5, 1.5)):
        with pytest.raises(MappingError):
            events_of_message(table, OscMessage("/interp/xy", arguments))


def test_clients_are_notified_of_y_too() -> None:
    controls = rig()
    controls.send(build_msg("/notify", 1).dgram)
    controls.send(build_msg("/interp/xy", [0.25, 0.5]).dgram, FakeSender("another"))
    controls.pass_time()
    told = {reply.address: reply.arguments for reply in controls.sender.replies[1:]}
    assert told["/interp/xy"] == (0.25, 0.5) and told["/interp/y"] == (0.5,)
    controls.send(build_msg("/interp", 0.25).dgram, FakeSender("another"))
    controls.pass_time()
    assert controls.sender.replies[-1].arguments in ((0.25, 0.0), (0.0,))


@pytest.mark.parametrize(
    ("decks", "corner", "neighbour"),
    [
        ("ab", "c", "a"),
        ("ab", "d", "b"),
        ("abc", "d", "c"),
        ("abd", "c", "d"),
        ("cd", "a", "c"),
        ("d", "a", "d"),
        ("ac", "b", "a"),
    ],
)
def test_an_empty_deck_is_replaced_by_its_neighbour(
    decks: str, corner: str, neighbour: str
) -> None:
    style, _ = heard(rig(decks), ("/interp/xy", list(CORNERS[corner])))
    assert style == pytest.approx(NUMBERS[neighbour], abs=1e-5)


def test_an_empty_corner_crossfades_from_its_neighbour_to_a_new_deck() -> None:
    controls = rig("ab")
    heard(controls, ("/interp/xy", [0.0, 1.0]))
    begun = controls.session.style.shape[1]
    controls.engine.put_deck("d", fake_deck("d", 0.8))  # the empty c is now replaced by d, not by a
    controls.render(40)
    style = controls.session.style[0, begun - 1 :]
    assert style[0] == pytest.approx(0.1, abs=1e-5) and style[-1] == pytest.approx(0.8, abs=1e-5)
    assert np.abs(np.diff(style)).max() < 0.1 and (np.diff(style) >= -1e-6).all()


def circle_deck(name: str, degrees: float) -> DeckData:
    """A deck with a style at distance 2 from the trained mean, at an angle in two dimensions."""
    deck = fake_deck(name, 0.0)
    style = mini_bundle.bundle().latents.mean.copy()
    style[:2] += 2 * np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    return replace(deck, style_mean=style.astype(np.float32))


def distances(controls: ControlRig) -> np.ndarray:
    offsets = controls.session.style - mini_bundle.bundle().latents.mean[:, None]
    return np.asarray(np.linalg.norm(offsets, axis=0))


@pytest.mark.parametrize("spherical", ["spherical", 1, 1.0])
def test_spherical_interpolation_keeps_the_distance_and_switches_smoothly(
    spherical: object,
) -> None:
    controls = ControlRig()
    controls.engine.put_deck("a", circle_deck("a", 0))
    controls.engine.put_deck("b", circle_deck("b", 120))
    controls.send(build_msg("/interp", 0.5).dgram)
    controls.render(40)
    assert distances(controls)[-1] == pytest.approx(1.0, abs=1e-3)
    controls.send(build_msg("/interp/curve", spherical).dgram)
    controls.render(SETTLED_FRAMES)
    assert distances(controls)[-1] == pytest.approx(2.0, abs=1e-3)
    assert np.abs(np.diff(distances(controls))).max() < 0.1
    controls.send(build_msg("/interp/curve").dgram)
    assert controls.sender.replies == [Reply("/interp/curve", ("spherical",))]
    np.testing.assert_allclose(controls.session.structure[0, -100:].max(), 1.0, atol=0.03)


@pytest.mark.parametrize("word", ["round", "", 2, 0.5, -1])
def test_an_unknown_choice_is_refused(word: object) -> None:
    with pytest.raises(MappingError, match=r"/interp/curve: .* linear \(0\), spherical \(1\)"):
        events_of_message(rig().table, OscMessage("/interp/curve", (word,)))  # type: ignore[arg-type]


def test_a_choice_is_set_by_its_name() -> None:
    (event,) = events_of_message(rig().table, OscMessage("/deck/c/style", ("track",)))
    assert event == SetControl("/deck/c/style", (1.0,))


def tracked_deck(ticks: int = 40, windows: int = 4) -> DeckData:
    """A deck with windows centred at ticks 5, 15, 25, 35, and styles 0, 1, 2, 3."""
    deck = fake_deck("tracked", 1.5, ticks=ticks)
    track = np.arange(windows, dtype=np.float32)[:, None].repeat(mini_bundle.STYLE_DIMS, axis=1)
    centres = np.array([5 + 10 * n for n in range(windows)], np.float32)
    return replace(deck, style_track=track, style_ticks=centres)


def test_a_style_track_is_read_at_the_playhead_and_loops_without_a_jump() -> None:
    controls = ControlRig()
    controls.engine.put_deck("a", tracked_deck())
    controls.send(build_msg("/deck/a/style", "track").dgram)
    controls.render(240)
    style = controls.session.style[0]
    ticks = (np.arange(240) + 0.5) / mini_bundle.TICK_FRAMES - 0.5
    wanted = np.interp(ticks % 40, [-5, 5, 15, 25, 35, 45], [3, 0, 1, 2, 3, 0])
    np.testing.assert_allclose(style, wanted, atol=1e-5)
    assert np.abs(np.diff(style)).max() <= 0.3 / mini_bundle.TICK_FRAMES + 1e-5


def test_mean_and_track_are_crossfaded_and_an_empty_corner_uses_its_neighbours_setting() -> None:
    controls = ControlRig()
    controls.engine.put_deck("a", tracked_deck())
    controls.send(build_msg("/interp/xy", [1.0, 1.0]).dgram)  # it is empty: deck a plays there
    controls.send(build_msg("/deck/d/style", "track").dgram)
    controls.render(40)
    np.testing.assert_allclose(controls.session.style, 1.5, atol=1e-5)
    controls.send(build_msg("/deck/a/style", "track").dgram)
    controls.render(120)
    moved = np.diff(controls.session.style[0])
    assert 0 < np.abs(moved).max() < 0.5
    assert np.ptp(controls.session.style[0, -80:]) > 2.5


@pytest.mark.parametrize("windows", [1, 2])
def test_a_track_of_one_or_two_windows_works(windows: int) -> None:
    controls = ControlRig()
    controls.engine.put_deck("a", tracked_deck(windows=windows))
    controls.send(build_msg("/deck/a/style", "track").dgram)
    controls.render(160)
    style = controls.session.style[0]
    assert style.min() >= 0 and style.max() == pytest.approx(windows - 1, abs=0.05)
