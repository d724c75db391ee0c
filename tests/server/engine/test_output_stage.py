"""Start, stop, mute, level and panic: no clicks, aligned with their frame's sound, no DC."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from server.controls.desk import Desk
from server.controls.events import Event, Panic, Play, PlayNote, SetControl, SetGlide, Stop
from server.controls.table import control_table
from server.engine.engine import Engine
from server.engine.output_stage import GATE_RAMP_S
from tests import mini_bundle
from tests.server.fakes import FakeSession, fake_deck

HOP, RATE = mini_bundle.HOP, mini_bundle.RATE_HZ
LATENCY = 5 * HOP + 7
HIGH_HZ = 3000.0
"""The fake's sine is at 320 Hz; energy that an event adds above this is a click."""


class LateSession(FakeSession):
    """The fake sine, with a synthesis window's latency and a constant."""

    constant = 0.0

    def reset(self) -> None:
        super().reset()
        self._late = np.zeros((1, LATENCY), np.float32)

    def step(self, style: np.ndarray, structure: np.ndarray, noise: np.ndarray) -> np.ndarray:
        if not self.styles:
            self.reset()
        sound = np.concatenate([self._late, super().step(style, structure, noise)], axis=1)
        self._late = sound[:, -LATENCY:]
        return sound[:, :-LATENCY] + np.float32(self.constant)


class Rig:
    def __init__(self, *, playing: bool = True, constant: float = 0.0) -> None:
        bundle = mini_bundle.bundle(manifest=mini_bundle.manifest(latency_samples=LATENCY))
        self.desk = Desk(control_table(mini_bundle.STYLE_DIMS), playing=playing)
        self.session = LateSession(bundle.manifest)
        self.session.constant = constant
        self.engine = Engine(bundle.manifest, bundle.latents, self.session, self.desk)
        self.engine.put_deck("a", fake_deck("a", 0.0, structure=0.8))
        self.desk.apply([SetControl("/level", (0.0,))])

    def play(self, *parts: int | Event, block: int = 4) -> np.ndarray:
        """Render ``parts``, frames (numbers) with events in between, as one sound (T,)."""
        sounds = []
        for part in parts:
            if isinstance(part, Event):
                self.desk.apply([part])
            else:
                sounds += [self.engine.render(block)[0] for _ in range(part // block)]
        return np.concatenate(sounds)


def high_energy(sound: np.ndarray) -> float:
    """The loudest 5 ms above ``HIGH_HZ``, in dB of full scale."""
    spectrum = np.fft.rfft(sound)
    spectrum[: int(HIGH_HZ * len(sound) / RATE)] = 0
    high = np.fft.irfft(spectrum, len(sound)) ** 2
    window = int(0.005 * RATE)
    loudest = np.convolve(high[RATE // 50 : -RATE // 50], np.full(window, 1 / window)).max()
    return float(10 * np.log10(loudest + 1e-12))


def steepest(sound: np.ndarray) -> float:
    return float(np.abs(np.diff(sound)).max())


EVENTS: dict[str, Sequence[int | Event]] = {
    "stop and play": (200, Stop(), 80, Play(), 200),
    "stop and play at once": (200, Stop(), 4, Play(), 200),
    "mute and open": (200, SetControl("/mute", (1.0,)), 80, SetControl("/mute", (0.0,)), 200),
    "level": (200, SetControl("/level", (-60.0,)), 80, SetControl("/level", (0.0,)), 200),
    "a note": (200, PlayNote(40, 60), 80, PlayNote(40, 0), 200),
    "a short note": (200, PlayNote(40, 60), PlayNote(40, 0), 280),
    "a note while stopped": (
        200,
        Stop(),
        80,
        PlayNote(40, 127),
        80,
        PlayNote(40, 0),
        80,
        Play(),
        40,
    ),
    "panic and play": (200, Panic(), 80, Play(), 200),
    "panic and play at once": (200, Panic(), 4, Play(), 200),
}


@pytest.mark.parametrize("block", [1, 4, 20])
@pytest.mark.parametrize("name", EVENTS)
def test_no_event_makes_a_click(name: str, block: int) -> None:
    plain = Rig().play(400)
    # The noise of the fake is the floor; a sine cut off would be at -30 dB.
    sound = Rig().play(*[max(p, block) if isinstance(p, int) else p for p in EVENTS[name]])
    assert steepest(sound) < 1.2 * steepest(plain[RATE // 10 :])
    assert high_energy(sound) < max(high_energy(plain) + 3, -65.0)


@pytest.mark.parametrize("block", [1, 4, 20])
def test_stop_and_play_are_in_time_with_the_sound_of_their_frame(block: int) -> None:
    sound = Rig().play(200, Stop(), 80, Play(), 200, block=block)
    ramp = round(GATE_RAMP_S * RATE)
    stopped, played = 200 * HOP + LATENCY, 280 * HOP + LATENCY
    assert np.abs(sound[stopped - ramp - 60 : stopped - ramp]).max() > 0.35
    assert not sound[stopped : played - ramp].any()
    assert np.abs(sound[played : played + 60]).max() > 0.35


@pytest.mark.parametrize("block", [1, 4, 20])
def test_mute_is_in_time_with_the_sound_of_its_frame(block: int) -> None:
    plain = Rig().play(240, block=block)
    muted = Rig().play(200, SetControl("/mute", (1.0,)), 40, block=block)
    begins = int(np.flatnonzero(np.abs(plain - muted) > 1e-6)[0])
    assert 200 * HOP + LATENCY <= begins < 201 * HOP + LATENCY


def test_an_attack_at_the_start_keeps_its_edge() -> None:
    rig = Rig()
    sound = rig.play(40)
    style, structure = rig.session.styles[0], rig.session.structures[0]
    noise = np.zeros((mini_bundle.BINS, 4 * mini_bundle.SPECTRA), np.float32)
    first = FakeSession(mini_bundle.manifest()).step(style, structure, noise)[0]
    np.testing.assert_allclose(sound[LATENCY : LATENCY + 4 * HOP], first, atol=0.01)


@pytest.mark.parametrize("name", ["stop and play", "panic and play"])
def test_a_constant_makes_no_thump_and_is_removed(name: str) -> None:
    sound = Rig(constant=0.3).play(*EVENTS[name])
    assert steepest(sound[RATE // 2 :]) < 0.12
    assert abs(Rig(constant=0.3).play(600)[-RATE // 2 :].mean()) < 2e-3


def test_a_panic_resets_the_decoder_only_once_it_is_silent() -> None:
    rig = Rig()
    rig.play(100, Panic())
    while not rig.session.resets > 1:
        sound = rig.play(1, block=1)
    assert not sound.any()


def falls_at(sound: np.ndarray) -> int:
    """The last sample at which the sound is above half its level."""
    level = np.abs(sound[: sound.size // 16 * 16]).reshape(-1, 16).max(axis=1)
    return 16 * int(np.flatnonzero(level > level[100:200].mean() / 2)[-1])


@pytest.mark.parametrize("block", [1, 4])
@pytest.mark.parametrize("pitch", [-12.0, -5.0, 0.0, 7.0, 12.0])
@pytest.mark.parametrize("change", [SetControl("/level", (-60.0,)), SetControl("/mute", (1.0,))])
def test_level_and_mute_are_heard_at_their_frame_at_any_pitch(
    change: SetControl, pitch: float, block: int
) -> None:
    rig = Rig()
    rig.desk.apply([SetControl("/pitch", (pitch,)), SetGlide(change.address, 0.0)])
    rig.engine.put_deck("a", fake_deck("a", 0.0, structure=0.8))
    sound = rig.play(200, change, 100, block=block)
    due = 200 * HOP + LATENCY + rig.engine.lead_s * RATE
    assert abs(falls_at(sound) - due) < HOP


@pytest.mark.parametrize("pitch", [-12.0, 5.0])
def test_a_stop_at_another_pitch_is_at_most_slightly_early(pitch: float) -> None:
    rig = Rig()
    rig.desk.apply([SetControl("/pitch", (pitch,))])
    playing = rig.play(200)
    due = 200 * HOP + LATENCY + rig.engine.lead_s * RATE
    sound = np.concatenate([playing, rig.play(Stop(), 100)])
    early = due - falls_at(sound)
    assert -HOP < early < 33 / 2 ** (pitch / 12) + 1.5 * HOP + GATE_RAMP_S * RATE


def test_a_moving_pitch_times_the_level_alike_at_any_block_size() -> None:
    def play(block: int) -> np.ndarray:
        rig = Rig()
        parts = (96, SetControl("/pitch", (-12.0,)), 16, SetControl("/level", (-30.0,)), 96)
        return rig.play(*parts, SetControl("/pitch", (3.0,)), 16, Stop(), 96, block=block)

    np.testing.assert_allclose(play(16), play(1), atol=1e-5)
