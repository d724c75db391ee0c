"""One deck alone on the cue pair: its own style, at the playhead, silent while off."""

from __future__ import annotations

import numpy as np
import pytest
from pythonosc.osc_message_builder import build_msg

from server.controls.events import PlayNote
from server.engine.cue import CUE, NO_CUE, Cue, CueDesk
from server.engine.engine import Engine
from server.output.choice import CardChoice
from server.output.null import NullOutput
from server.output.producer import Producer
from tests import mini_bundle
from tests.server.control_inputs import ControlRig
from tests.server.fakes import FakeSession, fake_deck


class Rig:
    def __init__(self, playing: bool = True) -> None:
        bundle = mini_bundle.bundle()
        self.controls = ControlRig(playing=playing)
        self.session = FakeSession(bundle.manifest)
        view = CueDesk(self.controls.desk)
        own = Engine(bundle.manifest, bundle.latents, self.session, view)
        self.cue = Cue(self.controls.engine, own, view)
        self.controls.engine.put_deck("a", fake_deck("a", 0.0))
        self.controls.engine.put_deck("b", fake_deck("b", 1.0, ticks=28))

    def send(self, address: str, value: float | str) -> None:
        self.controls.send(build_msg(address, value).dgram)

    def render(self, blocks: int) -> np.ndarray:
        """The cue's sound of ``blocks`` blocks of four frames, (T,)."""
        sounds = []
        for _ in range(blocks):
            sound = self.cue.render(4)
            self.controls.engine.render(4)
            sounds.append(np.zeros(4 * mini_bundle.HOP) if sound is None else sound[0])
        return np.concatenate(sounds)


def test_the_cue_decodes_nothing_while_off() -> None:
    rig = Rig()
    assert not rig.render(20).any()
    assert not rig.session.styles


def test_the_cue_plays_one_deck_alone_whatever_the_main_controls_do() -> None:
    rig = Rig()
    for address, value in (("/interp", 0.3), ("/latent/0", 2.0), ("/walk", 1.0), ("/mute", 1.0)):
        rig.send(address, value)
    rig.send(CUE, "b")
    rig.send("/cue/level", 0.0)
    sound = rig.render(40)
    np.testing.assert_array_equal(rig.session.style, 1.0)
    assert np.abs(sound[-1000:]).max() > 0.2


def test_the_cue_plays_at_the_playhead() -> None:
    rig, plain = Rig(), Rig()
    plain.send("/interp", 1.0)
    for some in (rig, plain):
        some.send("/speed", 0.7)
        some.send("/loop/start", 0.25)
        some.render(30)
    rig.send(CUE, "b")
    heard = len(plain.controls.session.structures)
    for some in (rig, plain):
        some.render(30)
        some.send("/position", 0.5)
        some.render(30)
    wanted = np.concatenate(plain.controls.session.structures[heard:], axis=1)
    np.testing.assert_allclose(rig.session.structure, wanted, atol=1e-6)


def test_the_cue_switches_without_clicks_and_idles_when_off() -> None:
    rig = Rig()
    rig.send("/cue/level", 0.0)
    parts = []
    for deck in ("a", "b", "off", "a", "off"):
        rig.send(CUE, deck)
        parts.append(rig.render(30))
    sound = np.concatenate(parts)
    assert np.abs(np.diff(sound)).max() < 0.12
    steps = len(rig.session.styles)
    assert not rig.render(10).any()
    assert len(rig.session.styles) == steps


def test_the_cue_runs_while_the_main_sound_is_stopped() -> None:
    rig = Rig(playing=False)
    rig.send(CUE, "a")
    assert np.abs(rig.render(40)[-1000:]).max() > 0.05
    structure = rig.session.structure
    assert np.abs(np.diff(structure, axis=1)).max() > 0  # time goes on
    assert rig.controls.engine.playhead.position_frames == 0


def test_notes_do_not_affect_the_cue() -> None:
    rig, plain = Rig(playing=False), Rig(playing=False)
    for one in (rig, plain):
        one.send(CUE, "b")
        one.render(10)
    rig.controls.dispatch((PlayNote(44, 20),))
    np.testing.assert_array_equal(rig.render(10), plain.render(10))


def test_cueing_an_empty_deck_is_silent() -> None:
    rig = Rig()
    rig.send(CUE, "d")
    assert not rig.render(20).any()
    rig.controls.engine.put_deck("d", fake_deck("d", 0.5))
    assert np.abs(rig.render(20)).max() > 0.05


def test_the_cue_plays_on_the_second_channel_pair() -> None:
    rig = Rig()
    rig.send("/mute", 1.0)
    rig.send(CUE, "b")
    producer = Producer(rig.controls.engine, 4, 3, cue=rig.cue)
    path = producer.path_to(NullOutput(mini_bundle.RATE_HZ, 4), CardChoice(cue=(4, 3)))
    producer.start(path)
    producer.stop()
    taken = np.zeros((path.ring.available, 4), np.float32)
    path.ring.read_into(taken)
    assert np.abs(taken[:, 2]).max() > 0.01
    np.testing.assert_array_equal(taken[:, 2], taken[:, 3])


def test_a_fault_in_the_cue_leaves_the_main_sound_alone() -> None:
    rig = Rig()
    rig.send(CUE, "b")
    rig.cue.render = lambda frames: 1 / 0  # type: ignore[assignment, method-assign, return-value]
    producer = Producer(rig.controls.engine, 4, 3, cue=rig.cue)
    path = producer.path_to(NullOutput(mini_bundle.RATE_HZ, 4), CardChoice(cue=(4, 3)))
    producer.start(path)
    producer.stop()
    taken = np.zeros((path.ring.available, 4), np.float32)
    path.ring.read_into(taken)
    assert np.abs(taken[:, 0]).max() > 0.01 and not taken[:, 2:].any()


@pytest.mark.parametrize("value", ["a", 1])
def test_the_cue_is_refused_without_a_second_channel_pair(value: float | str) -> None:
    controls = ControlRig(has_cue=False)
    controls.send(build_msg(CUE, value).dgram)
    assert controls.sender.replies[-1].arguments == (CUE, NO_CUE)
    assert controls.desk.snapshot().value(CUE) == 0
