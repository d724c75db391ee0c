"""The desk: newest values, whole bundles, and readers that never wait."""

from __future__ import annotations

import threading

import pytest

from server.controls.desk import Desk
from server.controls.events import LoadDeck, Panic, Play, Query, SetControl, Stop
from server.controls.replies import Reply
from server.controls.table import control_table

TABLE = control_table(style_dims=4)


@pytest.fixture
def desk() -> Desk:
    return Desk(TABLE)


def test_an_untouched_desk_holds_the_defaults(desk: Desk) -> None:
    state = desk.snapshot()
    assert (state.values, state.playing, state.panics, state.changes) == (
        TABLE.defaults,
        False,
        0,
        0,
    )
    assert state.value("/level") == -12.0


def test_interp_moves_style_and_structure_and_answers_style(desk: Desk) -> None:
    desk.apply([SetControl("/interp", (0.5,))])
    assert desk.snapshot().vector("/interp") == (0.5, 0.5)
    desk.apply([SetControl("/interp/style", (1.0,))])
    assert desk.snapshot().value("/interp/structure") == 0.5
    assert desk.answer("/interp") == Reply("/interp", (1.0,))
    assert desk.answer("/interp/structure") == Reply("/interp/structure", (0.5,))


def test_latent_sets_the_first_dimensions_and_answers_all(desk: Desk) -> None:
    desk.apply([SetControl("/latent/3", (3.0,)), SetControl("/latent", (1.0, -1.0))])
    assert desk.snapshot().vector("/latent") == (1.0, -1.0, 0.0, 3.0)
    assert desk.answer("/latent") == Reply("/latent", (1.0, -1.0, 0.0, 3.0))


def test_a_named_control_and_its_number_share_one_value() -> None:
    desk = Desk(control_table(4, (None, "attack")))
    desk.apply([SetControl("/named/attack", (1.5,))])
    assert desk.answer("/latent/1") == Reply("/latent/1", (1.5,))
    desk.apply([SetControl("/latent/1", (-2.0,))])
    assert desk.answer("/named/attack") == Reply("/named/attack", (-2.0,))
    assert desk.snapshot().vector("/latent") == (0.0, -2.0, 0.0, 0.0)


def test_the_newest_value_wins(desk: Desk) -> None:
    desk.apply([SetControl("/interp", (value,)) for value in (0.1, 0.9, 0.3)])
    assert desk.snapshot().value("/interp") == 0.3


def test_a_switch_replies_with_an_integer(desk: Desk) -> None:
    desk.apply([SetControl("/mute", (1.0,))])
    (answer,) = desk.answer("/mute").arguments
    assert answer == 1 and isinstance(answer, int)


def test_the_transport_follows_play_stop_and_panic(desk: Desk) -> None:
    desk.apply([Play()])
    assert desk.snapshot().playing
    desk.apply([Stop()])
    assert not desk.snapshot().playing
    desk.apply([Play(), Panic()])
    assert (desk.snapshot().playing, desk.snapshot().panics) == (False, 1)


def test_events_for_other_features_leave_the_desk_unchanged(desk: Desk) -> None:
    before = desk.snapshot()
    desk.apply([LoadDeck("a", "piano"), Query("/interp")])
    assert desk.snapshot() is before


def test_a_bundle_that_fails_halfway_changes_nothing(desk: Desk) -> None:
    before = desk.snapshot()
    with pytest.raises(KeyError):
        desk.apply([SetControl("/interp", (1.0,)), SetControl("/nowhere", (1.0,))])
    assert desk.snapshot() is before


def test_a_snapshot_does_not_change_after_it_was_taken(desk: Desk) -> None:
    before = desk.snapshot()
    desk.apply([SetControl("/interp", (1.0,))])
    assert before.value("/interp") == 0.0


def test_a_reader_never_sees_half_a_bundle(desk: Desk) -> None:
    done = threading.Event()

    def write() -> None:
        for step in range(5000):
            value = step % 2 * 1.0
            desk.apply(
                [SetControl("/interp/style", (value,)), SetControl("/interp/structure", (value,))]
            )
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    halves = 0
    while not done.is_set():
        style, structure = desk.snapshot().vector("/interp")
        halves += style != structure
    writer.join()
    assert halves == 0


def test_writers_on_several_threads_lose_nothing(desk: Desk) -> None:
    def write(index: int) -> None:
        for _ in range(500):
            desk.apply([SetControl(f"/latent/{index}", (1.0,))])

    writers = [threading.Thread(target=write, args=(index,)) for index in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert desk.snapshot().changes == 2000
