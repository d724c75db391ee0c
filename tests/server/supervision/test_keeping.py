"""The instrument's state is saved, and the next instrument goes on from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pythonosc.osc_message_builder import build_msg

from server.supervision.keeping import StateKeeper, take_up
from server.supervision.state_folder import Facts, StateFolder
from tests.server.control_inputs import ControlRig

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
    take_up(state, folder.read_decks(), rig.desk, rig.engine, rig.timeline)
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
    assert names.keys() == {"state", "deck-a", "deck-b"}
    keeper.write()
    assert {path.name: path.stat().st_ino for path in tmp_path.iterdir()} == names


def test_the_first_instrument_finds_no_state(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path)
    assert folder.read() is None
    assert folder.read_decks() == {}
