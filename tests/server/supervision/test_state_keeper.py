"""The state of the instrument is kept, and the next one goes on with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pythonosc.osc_message_builder import build_msg

from export.bundle.beats import Beats
from server.supervision.state_folder import Facts, StateFolder
from server.supervision.state_keeper import StateKeeper, restore
from tests.server.control_inputs import FRAME_S, ControlRig
from tests.server.fakes import fake_deck

FACTS = Facts(4, ("127.0.0.1", 9), "null", Path("/media/take.wav"))


def played(folder: StateFolder) -> tuple[ControlRig, StateKeeper]:
    """An instrument with everything moved, playing a recorded motion."""
    rig = ControlRig()
    rig.put_decks()
    keeper = StateKeeper(folder, rig.desk, rig.engine, rig.timeline, lambda: FACTS)
    for address, *values in (
        ("/speed", 0.5),
        ("/loop", 0.25, 0.75),
        ("/latent/1", 1.5),
        ("/glide", "/interp/style", 2.0),
        ("/motion/record", 1),
        ("/interp", 0.25),
    ):
        rig.send(build_msg(address, values).dgram)
        rig.render(40)
    rig.send(build_msg("/motion/record", 0).dgram)
    rig.send(build_msg("/motion/play", 1).dgram)
    rig.render(400)
    keeper.look()
    keeper.write()
    return rig, keeper


def next_one(folder: StateFolder) -> ControlRig:
    rig = ControlRig(playing=False)
    state = folder.read()
    assert state is not None
    assert state.facts == FACTS
    restore(state, folder, rig.desk, rig.engine, rig.timeline)
    return rig


def test_values_decks_position_and_motion_are_restored(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path)
    before, _ = played(folder)
    after = next_one(folder)
    assert after.desk.snapshot().values == before.desk.snapshot().values
    assert after.desk.snapshot().smoothing_s == before.desk.snapshot().smoothing_s
    assert after.desk.snapshot().playing
    assert after.engine.decks.keys() == before.engine.decks.keys()
    for name, deck in after.engine.decks.items():
        np.testing.assert_array_equal(deck.structure, before.engine.decks[name].structure)
    assert after.timeline.motion.loop == before.timeline.motion.loop is not None
    for rig in (before, after):
        rig.render(40)
    assert after.engine.position == pytest.approx(before.engine.position, abs=1e-9)
    assert np.abs(after.engine.render(40)).max() > 0.01


def test_a_position_set_earlier_is_not_jumped_to_again(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path)
    before, keeper = played(folder)
    before.send(build_msg("/position", 0.9).dgram)
    before.render(200)
    keeper.look()
    keeper.write()
    after = next_one(folder)
    for rig in (before, after):
        rig.render(4)
    assert after.engine.position == pytest.approx(before.engine.position, abs=1e-9)


def test_only_changes_are_written_and_no_partial_file_is_left(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path)
    _, keeper = played(folder)
    names = {path.name: path.stat().st_ino for path in tmp_path.iterdir()}
    assert names.keys() == {"state", "motion", "deck-a", "deck-b"}
    keeper.write()
    assert {path.name: path.stat().st_ino for path in tmp_path.iterdir()} == names


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_a_playhead_goes_on_exactly_where_it_was_in_beats_and_fades(
    tmp_path: Path, steps: int
) -> None:
    folder = StateFolder(tmp_path)
    before, keeper = played(folder)
    for letter, beat_frames in (("a", 20), ("b", 25)):
        beats = Beats(60 / (beat_frames * FRAME_S), 4 * FRAME_S, 1.0)
        before.engine.put_deck(letter, fake_deck(letter, 0.0, ticks=80, beats=beats))
    for address, *values in (("/tempo", 133.0), ("/loop", 0.3, 0.62), ("/position", 0.6)):
        before.send(build_msg(address, values).dgram)
    before.render(200 + steps, 1)
    assert before.engine.playhead.state.leader is not None
    keeper.look()
    keeper.write()
    state = folder.read()
    assert state is not None and state.playhead == before.engine.playhead.state
    after = next_one(folder)
    assert after.engine.playhead.state == before.engine.playhead.state
    for rig in (before, after):
        rig.render(100, 1)
    assert after.engine.position == before.engine.position


def test_a_motion_that_is_cleared_does_not_come_back(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path)
    before, keeper = played(folder)
    before.send(build_msg("/motion/clear", []).dgram)
    before.render(4)
    keeper.write()
    assert folder.read_motion() is None
    assert next_one(folder).timeline.motion.loop is None


@pytest.mark.parametrize("name", ["state", "motion", "deck-a"])
@pytest.mark.parametrize("damage", [lambda whole: whole[: len(whole) // 2], lambda whole: b""])
def test_a_damaged_file_is_logged_and_ignored(
    tmp_path: Path, name: str, damage: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    folder = StateFolder(tmp_path)
    played(folder)
    path = tmp_path / name
    path.write_bytes(damage(path.read_bytes()))
    readable = {f"deck-{letter}" for letter in folder.read_decks()}
    readable |= {"state"} if folder.read() else set()
    readable |= {"motion"} if folder.read_motion() else set()
    assert readable == {"state", "motion", "deck-a", "deck-b"} - {name}
    (line,) = caplog.messages
    assert line.startswith(f"the last {name} cannot be read (") and "\n" not in line


def test_the_first_instrument_finds_no_state(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path)
    assert folder.read() is None
    assert folder.read_motion() is None
    assert folder.read_decks() == {}
