"""The state of the instrument is kept, and the next one goes on with it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pythonosc.osc_message_builder import build_msg

from export.bundle.beats import Beats
from server.engine.deck import Recording
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


def test_large_arrays_stay_in_their_files_and_are_found_after_a_crash(tmp_path: Path) -> None:
    """Also when the file that they came in is deleted, as when another deck is loaded."""
    arrays, state = tmp_path / "disk", tmp_path / "memory"
    arrays.mkdir()
    state.mkdir()
    (state / "arrays").symlink_to(arrays)
    folder = StateFolder(state)
    pcm = np.memmap(arrays / "7-1-pcm", np.int16, "w+", shape=(5000, 2))
    pcm[:] = np.arange(10_000).reshape(-1, 2)
    loop = replace(fake_deck("long", 0.0), recording=Recording(pcm[:4000], (0.0, 1.0)))
    folder.write_deck("a", loop)
    folder.write_deck("b", fake_deck("short", 0.0))
    (arrays / "7-1-pcm").unlink()
    assert (state / "deck-a").stat().st_size < 10_000
    again = folder.read_decks()["a"]
    assert again.recording is not None and isinstance(again.recording.pcm, np.memmap)
    assert again.recording.mid == (0.0, 1.0)
    np.testing.assert_array_equal(again.recording.pcm, pcm[:4000])
    folder.write_deck("a", again)  # as the next instrument does
    np.testing.assert_array_equal(folder.read_decks()["a"].recording.pcm, pcm[:4000])
    assert len(list(arrays.iterdir())) == 1
    folder.write_deck("a", fake_deck("short", 0.0))
    assert not list(arrays.iterdir())


@pytest.mark.parametrize("damage", ["gone", "cut", "elsewhere"])
def test_a_damaged_array_is_logged_and_its_deck_ignored(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    arrays = tmp_path / "arrays"
    arrays.mkdir()
    folder = StateFolder(tmp_path)
    pcm = np.memmap(arrays / "pcm", np.int16, "w+", shape=(4000, 2))
    folder.write_deck("a", replace(fake_deck("long", 0.0), recording=Recording(pcm)))
    (link,) = arrays.glob("deck-a-*")
    if damage == "gone":
        link.unlink()
    elif damage == "cut":
        link.write_bytes(b"short")
    else:
        text = (tmp_path / "deck-a").read_bytes()
        (tmp_path / "deck-a").write_bytes(text.replace(link.name.encode(), b"../deck-a"))
    assert not folder.read_decks()
    (line,) = caplog.messages
    assert line.startswith("the last deck-a cannot be read (") and "\n" not in line


def test_arrays_of_dead_processes_go_with_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "arrays").mkdir()
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], stdout=-1)
    for process_id in (int(dead.stdout), os.getpid()):
        (tmp_path / "arrays" / f"{process_id}-0-pcm").write_bytes(b"1")
    StateFolder(tmp_path).read_decks()
    assert [path.name for path in (tmp_path / "arrays").iterdir()] == [f"{os.getpid()}-0-pcm"]
