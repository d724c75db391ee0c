"""Presets as performers use them: OSC and program changes in, values at the engine out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import build_msg

from server.controls.events import LoadPreset, RecallProgram, SetControl
from server.controls.replies import Reply
from server.controls.table import control_table
from server.engine.structure_prior import NO_PRIOR
from tests import mini_bundle
from tests.server.control_inputs import FRAME_S, SILENCE, ControlRig, FakeSender
from tests.server.fakes import fake_deck

DIMS = mini_bundle.STYLE_DIMS
NAMED = control_table(DIMS, ["bright", None, "noisy"])


def rig(config: Path, **more: Any) -> ControlRig:
    controls = ControlRig(config=config, **{"table": NAMED, **more})
    controls.put_decks()
    return controls


def say(controls: ControlRig, address: str, *arguments: float | str) -> None:
    controls.send(build_msg(address, list(arguments)).dgram)


def said(controls: ControlRig) -> list[Reply]:
    replies, controls.sender.replies = controls.sender.replies, []
    return replies


def test_a_recall_sets_all_its_values_in_one_frame_and_nothing_else(tmp_path: Path) -> None:
    controls = rig(tmp_path)
    for name in "cd":
        controls.engine.put_deck(name, fake_deck(name, 0.5, recording=SILENCE))
    random = np.random.default_rng(1)
    for control in NAMED.values:
        assert control.minimum is not None
        say(controls, control.address, control.value_at(float(random.uniform(0.2, 0.8))))
    say(controls, "/glide", "/pitch", 0.5)
    saved = controls.desk.snapshot()
    say(controls, "/preset/save", "all")
    controls.desk.restore(NAMED.defaults, NAMED.smoothing_s, playing=True)
    controls.render(4)
    say(controls, "/preset/load", "all")
    controls.render(4)
    before, after = controls.timeline.states[3:5]
    assert before.values == NAMED.defaults
    kept = {slot for control in NAMED.in_presets for slot in NAMED.slots[control.address]}
    for slot in range(len(after.values)):
        assert after.values[slot] == (saved if slot in kept else before).values[slot]
    assert after.smoothing_s == saved.smoothing_s
    assert said(controls) == [
        Reply("/done", ("/preset/save", "all", 0)),
        Reply("/done", ("/preset/load", "all")),
    ]


def test_positions_clock_cue_motion_and_output_are_not_in_presets() -> None:
    left_out = {c.address for c in NAMED.values if not c.in_presets}
    assert left_out == {
        *(
            "/position",
            "/slice",
            "/clock",
            "/nudge",
            "/beat",
            "/cue",
            "/cue/level",
            "/level",
            "/mute",
        ),
        *("/motion/record", "/motion/play"),
    }


def test_a_program_change_recalls_a_preset_and_an_unknown_one_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    controls = rig(tmp_path)
    for pitch in (1.0, 2.0, 3.0):
        say(controls, "/pitch", pitch)
        say(controls, "/preset/save", f"pitch {pitch}")
    controls = rig(tmp_path)  # another day
    controls.dispatch((RecallProgram(1),))
    assert controls.desk.snapshot().value("/pitch") == 2.0
    before = controls.desk.snapshot()
    for _ in range(3000):
        controls.dispatch((RecallProgram(99),))
    assert controls.desk.snapshot() is before
    assert caplog.messages == ["MIDI program 99: no preset has this number"]


def test_a_morph_moves_continuous_values_and_switches_the_others_at_its_start(
    tmp_path: Path,
) -> None:
    controls = rig(tmp_path)
    say(controls, "/preset/save", "rest")
    say(controls, "/pitch", 10.0)
    say(controls, "/freeze", 1)
    say(controls, "/interp/curve", "spherical")
    say(controls, "/tempo", 120.0)
    say(controls, "/named/bright", 2.0)
    said(controls)
    say(controls, "/preset/morph", "rest", 40 * FRAME_S)
    assert said(controls) == [
        Reply("/done", ("/preset/morph", "rest", pytest.approx(40 * FRAME_S)))
    ]
    controls.render(41, 1)
    states = controls.timeline.states
    for address in (
        "/freeze",
        "/interp/curve",
        "/tempo",
    ):  # tempo 0 means as recorded, so it cannot glide there
        assert [state.value(address) for state in states] == [0.0] * 41
    for address, start in (("/pitch", 10.0), ("/latent/0", 2.0)):
        moved = [state.value(address) for state in states]
        assert moved[0] == start and moved[-1] == 0.0 and 0 < moved[20] < start
        assert (np.diff(moved) <= 0).all()


def test_a_load_ends_a_morph(tmp_path: Path) -> None:
    controls = rig(tmp_path)
    say(controls, "/preset/save", "rest")
    say(controls, "/pitch", 10.0)
    say(controls, "/preset/save", "high")
    say(controls, "/preset/morph", "rest", 1.0)
    controls.render(40)
    say(controls, "/preset/load", "high")
    controls.render(200)
    assert controls.timeline.states[-1].value("/pitch") == 10.0


def test_clients_are_notified_of_a_recall_and_of_the_values_it_moved(tmp_path: Path) -> None:
    controls, other = rig(tmp_path), FakeSender("other")
    say(controls, "/pitch", 3.0)
    say(controls, "/preset/save", "x")
    say(controls, "/pitch", 0.0)
    for sender in (controls.sender, other):
        controls.send(build_msg("/notify", 1).dgram, sender)
        sender.replies.clear()
    say(controls, "/preset/load", "x")
    controls.pass_time()
    assert other.replies == [Reply("/preset/load", ("x",)), Reply("/pitch", (3.0,))]
    assert said(controls) == [Reply("/done", ("/preset/load", "x")), Reply("/pitch", (3.0,))]


def test_a_recall_in_an_osc_bundle_keeps_its_order_and_time(tmp_path: Path) -> None:
    controls = rig(tmp_path)
    say(controls, "/pitch", 3.0)
    say(controls, "/preset/save", "x")
    say(controls, "/pitch", 0.0)
    bundle = OscBundleBuilder(controls.now_s + 10 * FRAME_S)
    for address, argument in (("/preset/load", "x"), ("/speed", 2.0)):
        bundle.add_content(build_msg(address, argument))
    controls.send(bundle.build().dgram)
    assert [reply.arguments[0] for reply in said(controls)] == ["/preset/save"]
    controls.render(16)
    states = [(state.value("/pitch"), state.value("/speed")) for state in controls.timeline.states]
    assert states == [(0.0, 1.0)] * 10 + [(3.0, 2.0)] * 6
    assert said(controls) == [Reply("/done", ("/preset/load", "x"))]


def test_a_scheduled_event_recalls_a_preset(tmp_path: Path) -> None:
    controls = rig(tmp_path)
    say(controls, "/pitch", 3.0)
    say(controls, "/preset/save", "x")
    say(controls, "/pitch", 0.0)
    controls.timeline.schedule(controls.now_s, (LoadPreset("x"),))
    controls.render(8)
    assert controls.timeline.states[-1].value("/pitch") == 3.0


@pytest.mark.parametrize(
    ("values", "wanted", "left_out"),
    [
        ({"/named/bright": 1.0}, {"/latent/2": 1.0}, ""),
        ({"/named/noisy": 2.0}, {}, "/named/noisy: not in bundle other"),
        ({"/latent/1": 0.5}, {"/latent/1": 0.5}, ""),
        ({"/latent/0": 0.5}, {"/latent/0": 0.5}, ""),
        ({"/latent/99": 0.5}, {}, "/latent/99: not in bundle other"),
        ({"/latent/99": 0.0, "/pitch": 1}, {"/pitch": 1.0}, ""),
        ({"/quit": 1.0}, {}, "/quit: not in bundle other"),
        ({"/level": 6.0}, {}, "/level: not in bundle other"),
    ],
)
def test_values_of_another_bundle_are_matched_by_name_or_else_by_number(
    values: dict[str, float],
    wanted: dict[str, float],
    left_out: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    write(tmp_path, "x", values)
    controls = rig(tmp_path, table=control_table(3, ["warm", None, "bright"]), plays="other")
    say(controls, "/preset/load", "x")
    state = controls.desk.snapshot()
    for control in state.table.values:
        assert state.value(control.address) == wanted.get(control.address, control.default)
    (reply,) = said(controls)
    assert reply == Reply("/done", ("/preset/load", "x", *([left_out] if left_out else [])))
    lines = [f"preset 'x' was saved with bundle mine; left out: {left_out}"] if left_out else []
    assert caplog.messages == lines and controls.quits == 0


def write(config: Path, name: str, values: dict[str, Any], **more: Any) -> None:
    """Write a preset file as a person might."""
    (config / "presets").mkdir(exist_ok=True)
    content = {"preset": 1, "name": name, "bundle": "mine", "values": values, **more}
    (config / "presets" / f"{name}.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("values", "more"),
    [
        ({"/pitch": 1.0, "/speed": 99.0}, {}),
        ({"/pitch": 1.0, "/interp/curve": "square"}, {}),
        ({"/pitch": 1.0, "/speed": "fast"}, {}),
        ({"/pitch": 1.0, "/freeze": 0.5}, {}),
        ({"/pitch": 1.0}, {"glides": {"/pitch": -1.0}}),
        ({"/pitch": 1.0}, {"glides": {"/pitch": 1e9}}),
    ],
)
def test_one_invalid_value_refuses_the_whole_preset(
    values: dict[str, Any], more: dict[str, Any], tmp_path: Path
) -> None:
    write(tmp_path, "x", values, **more)
    controls = rig(tmp_path)
    before = controls.desk.snapshot()
    say(controls, "/preset/load", "x")
    (reply,) = said(controls)
    assert reply.address == "/fail" and str(reply.arguments[1]).startswith("preset 'x': /")
    assert controls.desk.snapshot() is before


def test_values_that_cannot_apply_here_are_left_out_and_reported(tmp_path: Path) -> None:
    controls = rig(tmp_path)
    values = {"/deck/c/bypass": 1, "/tempo": 90.0, "/generate": 1.0, "/pitch": 2.0}
    write(tmp_path, "x", values)
    controls = rig(tmp_path, has_prior=False)
    say(controls, "/clock", "midi")
    say(controls, "/preset/load", "x")
    state = controls.desk.snapshot()
    assert [state.value(address) for address in values] == [0.0, 0.0, 0.0, 2.0]
    (reply,) = said(controls)
    generate, left_out = f"/generate: {NO_PRIOR}; ", str(reply.arguments[2])
    assert left_out.startswith(generate)
    bypass, tempo = left_out.removeprefix(generate).split("; ")
    assert bypass.startswith("/deck/c/bypass: deck c is empty")
    assert tempo == "/tempo: /clock midi sets the tempo"


@pytest.mark.parametrize(
    ("address", "arguments"),
    [
        ("/preset/load", ["none"]),
        ("/preset/morph", ["none", 1.0]),
        ("/preset/delete", ["none"]),
        ("/preset/save", [" "]),
        ("/preset/save", ["x" * 101]),
        ("/preset/load", ["x" * 1000]),
        ("/preset/load", ["../presets/x"]),
    ],
)
@pytest.mark.parametrize("keeps", [True, False])
def test_an_invalid_preset_command_fails_with_one_line_and_changes_nothing(
    address: str, arguments: list[Any], keeps: bool, tmp_path: Path
) -> None:
    write(tmp_path, "x", {"/pitch": 1.0})
    controls = rig(tmp_path) if keeps else ControlRig(config=None)
    before, files = controls.desk.snapshot(), sorted(tmp_path.rglob("*"))
    say(controls, address, *arguments)
    (reply,) = said(controls)
    assert reply.address == "/fail" and reply.arguments[0] == address
    assert str(reply.arguments[1]).isprintable()
    assert controls.desk.snapshot() is before and sorted(tmp_path.rglob("*")) == files


def test_a_preset_file_added_while_playing_is_found(tmp_path: Path) -> None:
    controls = rig(tmp_path)
    write(tmp_path, "bob", {"/pitch": 2.0}, program=5)
    say(controls, "/preset/load", "bob")
    assert said(controls) == [Reply("/done", ("/preset/load", "bob"))]
    assert controls.desk.snapshot().value("/pitch") == 2.0
    write(tmp_path, "eve", {"/pitch": 3.0})
    say(controls, "/preset/list")
    assert said(controls) == [
        Reply("/preset/list.reply", (5, "bob")),
        Reply("/preset/list.reply", (-1, "eve")),
        Reply("/done", ("/preset/list", 2)),
    ]


def test_a_failing_disk_is_reported_and_the_sound_goes_on(tmp_path: Path) -> None:
    (tmp_path / "presets").write_text("in the way")
    controls = rig(tmp_path)
    for address in ("/preset/save", "/preset/load"):
        say(controls, address, "x")
        (reply,) = said(controls)
        assert reply.address == "/fail" and "Not a directory" in str(reply.arguments[1])
    controls.desk.apply([SetControl("/pitch", (1.0,))])
    controls.render(4)
    assert controls.timeline.states[-1].value("/pitch") == 1.0
