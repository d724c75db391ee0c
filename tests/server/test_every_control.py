"""Every address of the control table, sent as OSC bytes, has its effect.

A new value is covered by its row. A new kind of command needs a line in ``SEEN``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pythonosc.osc_message_builder import build_msg

from export.audio.model_input import Captured
from server.controls import events
from server.controls.control import Control
from server.controls.events import Event
from server.controls.replies import Reply
from server.controls.table import control_table
from server.decks.reports import Finished
from server.output.null import NullOutput
from server.output.output_path import OutputFormat, OutputPath
from server.score.score_file import read_score_file
from tests import mini_bundle
from tests.server.control_inputs import FRAME_S, SILENCE, ControlRig, FakeSender
from tests.server.fakes import fake_deck

TABLE = control_table(mini_bundle.STYLE_DIMS, ["bright", None, "noisy"])


def rig(media: Path) -> ControlRig:
    controls = ControlRig(
        table=TABLE, playing=False, wekinator=("/level",), media=media, config=media
    )
    controls.put_decks()
    for name in ("c", "d"):
        controls.engine.put_deck(name, fake_deck(name, 0.5, recording=SILENCE))
    controls.render(4)
    return controls


def other_value(control: Control) -> float:
    """A value that the untouched instrument does not have."""
    assert control.minimum is not None and control.maximum is not None
    return control.maximum if control.default != control.maximum else control.minimum


OTHERS_MOVED: Mapping[str, tuple[str, ...]] = {
    "/slice": ("/loop", "/position"),
    "/clock": ("/tempo",),  # that of the Link session
}
LIVE = ("/position",)
"""Answered with the current position; see ``test_playhead``."""

VALUES = [control for control in TABLE.controls.values() if control.is_value]
COMMANDS = [control for control in TABLE.controls.values() if not control.is_value]


@pytest.mark.parametrize("control", VALUES, ids=lambda control: control.address)
def test_a_value_reaches_the_engine_and_is_answered(control: Control, tmp_path: Path) -> None:
    controls = rig(tmp_path)
    wanted = [other_value(control)] * len(control.types)
    controls.send(build_msg(control.address, wanted).dgram)
    controls.render(4)
    taken = controls.timeline.states[-1]
    slots = TABLE.slots[control.address]
    assert [taken.values[slot] for slot in slots] == wanted[:1] * len(slots)
    others = [
        slot for moved in OTHERS_MOVED.get(control.address, ()) for slot in TABLE.slots[moved]
    ]
    untouched = set(range(len(taken.values))) - {*slots, *others}
    assert all(taken.values[slot] == TABLE.defaults[slot] for slot in untouched)
    controls.send(build_msg(control.address).dgram)
    (reply,) = controls.sender.replies
    assert reply.address == control.address
    told = [control.choices[int(value)] for value in wanted] if control.choices else wanted
    assert reply.arguments == tuple(told) or control.address in LIVE


def played(controls: ControlRig, control: Control) -> None:
    controls.send(build_msg(control.address).dgram)
    controls.render(4)
    assert controls.timeline.states[-1].playing and controls.session.styles


def stopped(controls: ControlRig, control: Control) -> None:
    controls.send(build_msg("/play").dgram)
    controls.render(16)
    controls.send(build_msg(control.address).dgram)
    controls.render(64)
    steps = len(controls.session.styles)
    assert not controls.timeline.states[-1].playing
    controls.render(4)
    assert len(controls.session.styles) == steps


def panicked(controls: ControlRig, control: Control) -> None:
    stopped(controls, control)
    assert controls.session.resets == 1


def loaded(controls: ControlRig, control: Control) -> None:
    controls.send(build_msg(control.address, "high").dgram)
    assert controls.put == [(control.member, "high")]
    assert controls.sender.replies == [Reply("/done", (control.address, "high"))]


def captured(controls: ControlRig, control: Control) -> None:
    controls.captured = Captured("live", np.zeros(100, np.float32), 100)
    controls.send(build_msg(control.address, 2.0).dgram)
    controls.decks.take(Finished(1, fake_deck("live", 0.0)))
    assert controls.put == [(control.member, "live")]
    assert controls.sender.replies[-1] == Reply("/done", (control.address, 2.0))


def cancelled(controls: ControlRig, control: Control) -> None:
    controls.captured = Captured("live", np.zeros(100, np.float32), 100)
    controls.send(build_msg(control.address.replace("cancel", "capture"), 2.0).dgram, FakeSender())
    controls.send(build_msg(control.address).dgram)
    assert controls.cancelled == [1]
    assert controls.sender.replies == [Reply("/done", (control.address, 1))]


def answered(address: str, *arguments: float) -> Callable[[ControlRig, Control], None]:
    def see(controls: ControlRig, control: Control) -> None:
        controls.send(build_msg(control.address, list(arguments)).dgram)
        (reply,) = controls.sender.replies
        assert reply.address == address
        assert not arguments or reply.arguments == arguments

    return see


def notified(controls: ControlRig, control: Control) -> None:
    controls.send(build_msg(control.address, 1).dgram)
    controls.send(build_msg("/level", -3.0).dgram, FakeSender("another"))
    controls.pass_time()
    assert controls.sender.replies[-1] == Reply("/level", (-3.0,))


def dumped(controls: ControlRig, control: Control) -> None:
    controls.send(build_msg(control.address, 1).dgram)
    controls.send(build_msg("/play").dgram)
    assert controls.lines == ["OSC from fake: /play"]


def moved_by_wekinator(controls: ControlRig, control: Control) -> None:
    controls.send(build_msg(control.address, [0.0, 0.5]).dgram)
    controls.render(4)
    assert controls.timeline.states[-1].value("/level") == -60.0


def offset(controls: ControlRig, control: Control) -> tuple[float, ...]:
    """The offsets after a gesture; before it all are 1."""
    controls.send(build_msg("/play").dgram)
    controls.send(build_msg("/latent", [1.0] * mini_bundle.STYLE_DIMS).dgram)
    controls.render(16)
    controls.send(build_msg(control.address, [2] if control.types else []).dgram)
    controls.render(16)
    return controls.timeline.states[-1].vector("/latent")


def maxed_out(controls: ControlRig, control: Control) -> None:
    assert offset(controls, control) == (1.0, 1.0, 3.0, 1.0)


def flattened(controls: ControlRig, control: Control) -> None:
    assert offset(controls, control) != (1.0,) * 4
    controls.render(256)
    np.testing.assert_allclose(
        controls.session.style[:, -1], mini_bundle.bundle().latents.mean, atol=1e-4
    )


def randomised(controls: ControlRig, control: Control) -> None:
    offsets = offset(controls, control)
    assert len(set(offsets)) == 4 and max(map(abs, offsets)) < 1.0


def reset_to_none(controls: ControlRig, control: Control) -> None:
    assert offset(controls, control) == (0.0,) * 4


def glided(controls: ControlRig, control: Control) -> None:
    controls.send(build_msg("/play").dgram)
    controls.send(build_msg(control.address, ["/interp/style", 0.5]).dgram)
    controls.render(4)
    controls.send(build_msg("/interp", 1.0).dgram)
    controls.render(124)
    style = controls.session.style[0]
    assert style[127] == pytest.approx(1 - np.exp(-124 * FRAME_S / 0.5), abs=1e-4)
    controls.send(build_msg(control.address, "/interp/style").dgram)
    assert controls.sender.replies == [Reply("/glide", ("/interp/style", 0.5))]


def motion_cleared(controls: ControlRig, control: Control) -> None:
    for address, value in (("record", 1), ("record", 0), ("play", 1)):
        controls.send(build_msg(f"/motion/{address}", value).dgram)
        controls.send(build_msg("/level", -3.0).dgram)
        controls.render(4)
    controls.send(build_msg(control.address).dgram)
    controls.send(build_msg("/level", -4.0).dgram)
    controls.render(16)
    assert controls.timeline.states[-1].value("/level") == -4.0
    assert controls.timeline.states[-1].motion_clears == 1


def recorded(controls: ControlRig, control: Control) -> None:
    controls.send(build_msg("/score/record", "take").dgram)
    controls.render(4)
    controls.send(build_msg("/level", -3.0).dgram)
    controls.render(4)
    controls.send(build_msg("/score/stop").dgram)
    controls.render(4)
    controls.recorder.close()
    assert controls.sender.replies == [
        Reply("/done", ("/score/record", "take")),
        Reply("/done", ("/score/stop", "take.jsonl")),
    ]
    file = read_score_file(controls.recorder.folder / "take.jsonl")
    assert file.end_s == pytest.approx(8 * FRAME_S)
    assert ("/level", (-3.0,)) in {(line.address, line.arguments) for line in file.lines}


def sound_recorded(controls: ControlRig, control: Control) -> None:
    controls.send(build_msg("/record/start", "take").dgram)
    path = OutputPath(NullOutput(48_000), OutputFormat(48_000, 1, 64, 2))
    sound = np.full((24_000, 1), 0.5, np.float32)
    controls.record.recorder.receive(sound, path)
    controls.send(build_msg("/record").dgram)
    controls.send(build_msg("/record/stop").dgram)
    controls.record.recorder.close()
    assert controls.sender.replies == [
        Reply("/done", ("/record/start", "take.wav")),
        Reply("/record", (1, "take.wav", 0.5)),
        Reply("/done", ("/record/stop", "take.wav")),
    ]
    recorded, _ = soundfile.read(controls.recorder.folder / "take.wav", always_2d=True)
    np.testing.assert_array_equal(recorded, sound)


def model_asked_for(controls: ControlRig, control: Control) -> None:
    controls.send(build_msg(control.address, "other").dgram)
    assert controls.models == ["other"]
    assert controls.sender.replies == [Reply("/done", (control.address, "other"))]


def ended(controls: ControlRig, control: Control) -> None:
    controls.send(build_msg(control.address).dgram)
    assert controls.quits == 1 and controls.sender.replies == [Reply("/done", ("/quit",))]


def output_changed(controls: ControlRig, control: Control) -> None:
    controls.send(build_msg(control.address, "soundcard:Built-in").dgram)
    assert str(controls.live.choice) == "soundcard:Built-in"
    assert controls.sender.replies[-1] == Reply("/done", ("/output", "soundcard:Built-in"))
    controls.send(build_msg(control.address, []).dgram)
    assert controls.sender.replies[-1] == Reply("/output", ("soundcard:Built-in", "playing"))


KNOB = "cc 9, channel 1, knobs"


def taught(controls: ControlRig, *words: str) -> None:
    controls.send(build_msg("/midi/learn", list(words)).dgram)
    controls.turn(10, 30, 50, 70)


def learned(controls: ControlRig, control: Control) -> None:
    taught(controls, "/level", "pick-up")
    assert controls.sender.replies == [Reply("/done", (control.address, "/level", KNOB))]
    controls.turn(90, 127)
    controls.render(4)
    assert controls.timeline.states[-1].value("/level") == 6.0


def forgotten(controls: ControlRig, control: Control) -> None:
    taught(controls, "/level")
    controls.send(build_msg(control.address, "/level").dgram)
    assert controls.sender.replies[-1] == Reply("/done", (control.address, "/level"))
    controls.turn(127)
    controls.render(4)
    assert controls.timeline.states[-1].value("/level") == TABLE.controls["/level"].default


def listed(controls: ControlRig, control: Control) -> None:
    controls.send(build_msg(control.address).dgram)
    *maps, done = controls.sender.replies
    assert done == Reply("/done", (control.address, len(maps)))
    assert maps[0].arguments[:4] == ("/interp", "cc 1, any channel, any port", "takeover", "jump")


def map_changed(controls: ControlRig, control: Control) -> None:
    taught(controls, "/level")
    controls.send(build_msg(control.address, ["/level", "high", 0.0]).dgram)
    controls.turn(127)
    controls.render(4)
    assert controls.timeline.states[-1].value("/level") == 0.0
    controls.send(build_msg(control.address, "/level").dgram)
    told = controls.sender.replies[-2]
    assert told.address == control.address and told.arguments[:2] == ("/level", KNOB)
    assert told.arguments[2:8] == ("takeover", "jump", "low", -60.0, "high", 0.0)


def preset(controls: ControlRig, control: Control) -> None:
    """Save a preset as program 5, change it, recall or list it, and delete it."""

    def say(address: str, *arguments: float | str) -> None:
        controls.send(build_msg(address, list(arguments)).dgram)

    say("/interp", 0.5)
    say("/preset/save", "half", 5)
    say("/interp", 1.0)
    recalls = control.command in (events.LoadPreset, events.MorphPreset)
    arguments = ("half", 1.0) if control.command is events.MorphPreset else ("half",)
    if recalls:
        say(control.address, *arguments)
    say("/preset/list")
    controls.render(round(1 / FRAME_S / 4) * 4 + 8)
    assert controls.timeline.states[-1].value("/interp") == (0.5 if recalls else 1.0)
    say("/preset/delete", "half")
    say("/preset/list")
    assert controls.sender.replies == [
        Reply("/done", ("/preset/save", "half", 5)),
        *([Reply("/done", (control.address, *arguments))] if recalls else []),
        Reply("/preset/list.reply", (5, "half")),
        Reply("/done", ("/preset/list", 1)),
        Reply("/done", ("/preset/delete", "half")),
        Reply("/done", ("/preset/list", 0)),
    ]


def tapped(controls: ControlRig, control: Control) -> None:
    for _ in range(2):
        controls.send(build_msg(control.address).dgram)
        controls.now_s += 0.5
    controls.render(4)
    assert controls.timeline.states[-1].value("/tempo") == pytest.approx(120)


def noted(controls: ControlRig, control: Control) -> None:
    controls.send(build_msg("/stop").dgram)
    controls.render(64)
    controls.send(build_msg(control.address, [37, 100]).dgram)
    controls.render(64)
    steps = len(controls.session.styles)
    controls.render(4)
    assert len(controls.session.styles) > steps
    controls.send(build_msg(control.address, [37, 0]).dgram)
    controls.render(64)
    assert controls.engine.render(4).max() == 0.0


def asked_progress(controls: ControlRig, control: Control) -> None:
    controls.send(build_msg(control.address).dgram)
    assert controls.sender.replies == [Reply(control.address, (1.0,))]


def refused_outside_scores(controls: ControlRig, control: Control) -> None:
    controls.send(build_msg(control.address, ["low", -6.0]).dgram)
    (reply,) = controls.sender.replies
    assert (reply.address, reply.arguments[0]) == ("/fail", control.address)


SEEN: Mapping[type[Event], Callable[[ControlRig, Control], None]] = {
    events.Play: played,
    events.Stop: stopped,
    events.Panic: panicked,
    events.PlayNote: noted,
    events.LoadDeck: loaded,
    events.CaptureDeck: captured,
    events.CancelDeck: cancelled,
    events.AskProgress: asked_progress,
    events.HearDeck: refused_outside_scores,
    events.StatusRequest: answered("/status.reply"),
    events.VersionRequest: answered("/version.reply"),
    events.SyncRequest: answered("/synced", 7),
    events.Notify: notified,
    events.Dump: dumped,
    events.ChangeOutput: output_changed,
    events.WekinatorOutputs: moved_by_wekinator,
    events.SetGlide: glided,
    events.ClearMotion: motion_cleared,
    events.Tap: tapped,
    events.MaxOut: maxed_out,
    events.Flatten: flattened,
    events.Randomise: randomised,
    events.ResetOffsets: reset_to_none,
    events.StartRecording: sound_recorded,
    events.StopRecording: sound_recorded,
    events.QueryRecording: sound_recorded,
    events.RecordScore: recorded,
    events.StopScore: recorded,
    events.LoadModel: model_asked_for,
    events.LearnMidi: learned,
    events.ForgetMidi: forgotten,
    events.ListMidiMaps: listed,
    events.ChangeMidiMap: map_changed,
    events.SavePreset: preset,
    events.LoadPreset: preset,
    events.MorphPreset: preset,
    events.ListPresets: preset,
    events.DeletePreset: preset,
    events.Quit: ended,
}


@pytest.mark.parametrize("control", COMMANDS, ids=lambda control: control.address)
def test_a_command_has_its_effect(control: Control, tmp_path: Path) -> None:
    assert control.command in SEEN, f"{control.address}: add it to SEEN"
    SEEN[control.command](rig(tmp_path), control)
