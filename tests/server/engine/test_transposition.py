"""Transposition: pitch changes, tempo does not; exact in blocks of any size, without clicks."""

from __future__ import annotations

import numpy as np
import pytest
from pythonosc.osc_message_builder import build_msg

from export.audio.arrays import Floats
from export.bundle.format import Bundle
from server.controls.desk import Desk
from server.controls.events import Panic, Play, SetControl, Stop
from server.controls.table import control_table
from server.engine.deck import DeckData
from server.engine.engine import Engine
from server.engine.runtime import RuntimeOptions
from server.engine.session import OrtDecoderSession
from server.engine.sinc import ZERO_CROSSINGS
from server.engine.transposition import Transposer
from tests import mini_bundle
from tests.server.control_inputs import ControlRig, at
from tests.server.fakes import FakeSession, fake_deck

HOP, RATE, TICK = mini_bundle.HOP, mini_bundle.RATE_HZ, mini_bundle.TICK_FRAMES
PITCHES = [-12.0, -7.0, 0.5, 12.0]


class Source:
    """A decoder that is a function of the sample's number; counts the samples it was asked for."""

    def __init__(self, turns: float = 0.02) -> None:
        self.decoded = 0
        self._turns = turns

    def frames(self, frames: int) -> Floats:
        time = self.decoded + np.arange(frames * HOP)
        self.decoded += frames * HOP
        return np.sin(2 * np.pi * self._turns * time)[None].astype(np.float32)


def transposed(semitones: np.ndarray, size: int, source: Source | None = None) -> np.ndarray:
    source, transposer = source or Source(), Transposer(1, HOP)
    parts = []
    for start in range(0, len(semitones), size):
        plan = transposer.plan(semitones[start : start + size])
        parts.append(transposer.play(plan, source.frames(plan.frames)))
    return np.concatenate(parts, axis=1)[0]


def turns_of(audio: np.ndarray) -> float:
    """The frequency of a sine in turns per sample, from its phase over a long stretch."""
    spectrum = np.fft.rfft(audio * np.hanning(audio.size))
    peak = int(np.abs(spectrum).argmax()) / audio.size
    time = np.arange(audio.size)
    phases = np.unwrap(
        [
            np.angle(np.sum((part * np.exp(-2j * np.pi * peak * t)) * np.hanning(part.size)))
            for part, t in zip(np.split(audio, 8), np.split(time, 8), strict=True)
        ]
    )
    return float(peak + np.polyfit(np.arange(8), phases, 1)[0] * 8 / audio.size / 2 / np.pi)


def cents(is_turns: float, turns: float) -> float:
    return float(1200 * np.log2(is_turns / turns))


@pytest.mark.parametrize("pitch", [*PITCHES, 0.0, 5.0, 11.99])
def test_a_sine_is_transposed_to_within_a_cent(pitch: float) -> None:
    audio = transposed(np.full(512, pitch), 4)
    assert cents(turns_of(audio[-64 * HOP :]), 0.02 * 2 ** (pitch / 12)) == pytest.approx(
        0, abs=0.1
    )
    assert np.abs(audio[-64 * HOP :]).max() == pytest.approx(1, abs=3e-3)


@pytest.mark.parametrize("pitch", PITCHES)
def test_transposition_adds_nothing_to_the_decoded_sound(pitch: float) -> None:
    """Filter and table leave a residue of -85 dB."""
    audio = transposed(np.full(64, pitch), 4).astype(float)
    places = np.arange(audio.size) * 2 ** (pitch / 12)
    wanted = np.sin(2 * np.pi * 0.02 * places)
    np.testing.assert_allclose(audio[2 * HOP :], wanted[2 * HOP :], atol=10 ** (-85 / 20))


@pytest.mark.parametrize(("turns", "pitch"), [(0.3, 12.0), (0.45, 7.0), (0.49, 2.0)])
def test_frequencies_that_would_alias_are_silent(turns: float, pitch: float) -> None:
    audio = transposed(np.full(64, pitch), 4, Source(turns))
    assert np.abs(audio[8 * HOP :]).max() < 10 ** (-80 / 20)


@pytest.mark.parametrize("size", [1, 2, 7, 64])
def test_block_size_does_not_matter(size: int) -> None:
    random = np.random.default_rng(3)
    semitones = np.repeat(random.uniform(-12, 12, 32), 14)
    semitones[140:196] = 0
    np.testing.assert_allclose(transposed(semitones, size), transposed(semitones, 448), atol=1e-6)


def test_pitch_jumps_make_no_click() -> None:
    semitones = np.repeat(np.random.default_rng(4).choice([-12.0, 12.0, 0.0, 3.3], 64), 7)
    audio = transposed(semitones, 4)
    assert np.abs(np.diff(audio, 2)).max() < 1.1 * (2 * np.pi * 0.04) ** 2


def test_at_0_semitones_the_decoder_output_is_unchanged() -> None:
    source = Source()
    np.testing.assert_array_equal(transposed(np.zeros(64), 4), source.frames(64)[0])


def test_back_at_0_semitones_the_output_becomes_the_decoder_output_again() -> None:
    transposer, source = Transposer(1, HOP), Source()
    for semitones in (np.full(37, 5.1), np.zeros(HOP * 2**11 // HOP)):
        for one in semitones:
            plan = transposer.plan(np.array([one]))
            transposer.play(plan, source.frames(plan.frames))
    plan = transposer.plan(np.zeros(4))
    assert plan.is_plain and plan.lead_frames == 0
    decoded = source.frames(4)
    assert transposer.play(plan, decoded) is decoded


def test_the_return_to_0_semitones_is_within_a_cent_and_makes_no_click() -> None:
    audio = transposed(np.concatenate([np.full(37, 5.1), np.zeros(3000)]), 4)
    home = audio[80 * HOP :]
    for part in np.split(home[: home.size // (8 * 8 * HOP) * 8 * 8 * HOP], 8):
        assert abs(cents(turns_of(part), 0.02)) < 1
    assert np.abs(np.diff(home, 2)).max() < 1.1 * (2 * np.pi * 0.02) ** 2


def test_frame_durations_add_up_to_the_output_without_drift() -> None:
    """Durations are never negative, and their total lacks less than what is still buffered."""
    transposer, source = Transposer(1, HOP), Source()
    random, heard = np.random.default_rng(5), 0.0
    semitones = np.clip(np.cumsum(random.uniform(-6, 6, 4000)), -12, 12)
    for part in np.split(semitones, 1000):
        plan = transposer.plan(part)
        transposer.play(plan, source.frames(plan.frames))
        assert (plan.durations >= 0).all()
        heard += plan.durations.sum()
    assert heard == pytest.approx(4000, abs=6)


@pytest.mark.parametrize("pitch", PITCHES)
def test_decoding_runs_ahead_only_as_far_as_the_filter_needs(pitch: float) -> None:
    transposer, source = Transposer(1, HOP), Source()
    rate = 2 ** (pitch / 12)
    for n in range(1, 200):
        plan = transposer.plan(np.full(1, pitch))
        transposer.play(plan, source.frames(plan.frames))
        ahead = source.decoded - n * HOP * rate
        assert 0 < ahead < ZERO_CROSSINGS * max(rate, 1) + 3 + HOP
    frames = (ZERO_CROSSINGS * max(rate, 1) + 3 + HOP) / HOP / rate
    assert 0 <= plan.lead_frames < frames


# In the engine


class Rig:
    def __init__(self, *, pitch: float = 0.0, deck: DeckData | None = None) -> None:
        bundle = mini_bundle.bundle()
        self.desk = Desk(control_table(mini_bundle.STYLE_DIMS), playing=True)
        self.session = FakeSession(bundle.manifest)
        self.engine = Engine(bundle.manifest, bundle.latents, self.session, self.desk)
        self.engine.put_deck("a", deck or fake_deck("a", 0.0, structure=0.5))
        self.set("/level", 0.0)
        self.set("/pitch", pitch)

    def set(self, address: str, *values: float) -> None:
        self.desk.apply([SetControl(address, values)])

    def render(self, frames: int, size: int = 4) -> np.ndarray:
        return np.concatenate([self.engine.render(size)[0] for _ in range(frames // size)])


def pulses(ticks: int = 400, every: int = 25) -> DeckData:
    """A deck that sounds for one tick in ``every``."""
    deck = fake_deck("clicks", 0.0, ticks=ticks, structure=0.0)
    deck.structure[:, ::every] = 1.0
    return deck


def level(audio: np.ndarray) -> np.ndarray:
    return np.sqrt((audio[: audio.size // HOP * HOP].reshape(-1, HOP) ** 2).mean(axis=1))


@pytest.mark.parametrize("pitch", PITCHES)
def test_pitch_transposes_the_engine_output(pitch: float) -> None:
    rig = Rig(pitch=pitch)
    rig.render(32)
    heard = turns_of(rig.render(64))
    assert cents(heard, 0.02 * 2 ** (pitch / 12)) == pytest.approx(0, abs=1)


@pytest.mark.parametrize("pitch", [0.0, *PITCHES])
def test_clicks_keep_their_times_at_any_pitch(pitch: float) -> None:
    rig = Rig(pitch=pitch, deck=pulses())
    levels = level(rig.render(800))
    every = 25 * TICK
    centres = [
        float(np.average(np.arange(every), weights=part**2))
        for part in np.split(np.roll(levels, every // 2), 800 // every)[1:]
    ]
    # Exact to a frame of the decoder; as it rises within one, it is heard at its end.
    frame = 2 ** (-pitch / 12)
    assert np.ptp(centres) < max(frame, 1)
    assert np.mean(centres) == pytest.approx(every // 2 + frame / 2, abs=1)


def test_tempo_does_not_drift_while_pitch_moves() -> None:
    rig = Rig()
    random = np.random.default_rng(6)
    for _ in range(500):
        rig.set("/pitch", random.uniform(-12, 12))
        rig.render(8)
    assert rig.engine.playhead.position_frames == pytest.approx(4000, abs=4)


def test_playhead_controls_work_while_transposed() -> None:
    rig = Rig(pitch=-12.0, deck=fake_deck("a", 0.0, ticks=1000))
    rig.render(64)
    before = rig.engine.playhead.position_frames
    rig.set("/speed", -2.0)
    rig.render(200, size=1)
    moved = rig.engine.playhead.position_frames - before
    assert moved == pytest.approx(-400, abs=25)  # the speed glides
    rig.set("/position", 0.25)
    rig.set("/freeze", 1)
    rig.render(20, size=1)
    assert rig.engine.position == pytest.approx(0.25, abs=4 / 2000)


@pytest.mark.parametrize("size", [1, 3, 48])
def test_block_size_does_not_matter_in_the_engine(size: int) -> None:
    def play(size: int) -> np.ndarray:
        rig = Rig(deck=pulses())
        rig.session.gain = 1.5
        parts = []
        for pitch in (0.0, 7.0, -12.0, 0.0, 12.0):
            rig.set("/pitch", pitch)
            parts.append(rig.render(48, size))
        return np.concatenate(parts)

    # The fake's hiss is a random number a frame: as many of them, whatever the blocks.
    np.testing.assert_allclose(play(size), play(16), atol=1e-4)


def test_block_size_does_not_matter_for_the_real_decoder() -> None:
    bundle: Bundle = mini_bundle.bundle()

    def play(size: int) -> np.ndarray:
        desk = Desk(control_table(mini_bundle.STYLE_DIMS), playing=True)
        desk.apply([SetControl("/pitch", (4.0,))])
        session = OrtDecoderSession(bundle, RuntimeOptions(device="cpu"), size)
        engine = Engine(bundle.manifest, bundle.latents, session, desk)
        engine.put_deck("a", fake_deck("a", 0.4))
        return np.concatenate([engine.render(size) for _ in range(60 // size)], axis=1)

    np.testing.assert_allclose(play(1), play(60), atol=1e-4)


def test_pitch_jumps_with_stops_and_panics_make_no_click() -> None:
    rig = Rig(pitch=12.0)
    parts = []
    for step, events in enumerate([[], [Stop()], [Play()], [Panic()], [Play()], [], []] * 3):
        rig.desk.apply(events)
        rig.set("/pitch", (12.0, -12.0, 0.0, 5.0)[step % 4])
        parts.append(rig.render(40))
    audio = np.concatenate(parts)
    assert np.abs(np.diff(audio)).max() < 0.07  # a sine of 0.25 an octave up moves 0.063
    assert np.abs(parts[-1]).max() > 0.2


@pytest.mark.parametrize("pitch", [-12.0, 12.0])
def test_a_decoder_that_fails_while_transposed_makes_no_click(pitch: float) -> None:
    rig = Rig(pitch=pitch)
    rig.session.faulty = {20: np.nan}
    audio = rig.render(160)
    assert rig.engine.failed_blocks == 1
    assert np.abs(np.diff(audio)).max() < 0.07
    assert np.abs(audio[-HOP:]).max() > 0.15


def test_the_first_sound_has_the_pitch_set_before_it() -> None:
    rig = Rig(pitch=12.0)
    assert cents(turns_of(rig.render(64)[8 * HOP : 40 * HOP]), 0.04) == pytest.approx(0, abs=1)


@pytest.mark.parametrize("pitch", [0.0, -12.0, 12.0])
@pytest.mark.parametrize("size", [1, 8])
def test_a_time_tag_is_heard_within_a_frame_of_the_decoder(pitch: float, size: int) -> None:
    """The moment when a style that doubles the frequency is first heard, against its due frame."""
    controls = ControlRig()
    controls.engine.put_deck("a", fake_deck("a", 0.0, structure=0.5))
    for address, value in (("/level", 0.0), ("/pitch", pitch)):
        controls.send(build_msg(address, value).dgram)
    controls.send(build_msg("/glide", ["/interp/style", 0.0]).dgram)
    controls.engine.put_deck("b", fake_deck("b", 3.0, structure=0.5))
    for _ in range(64 // size):
        controls.engine.render(size)
    window_s = mini_bundle.LATENCY / RATE
    # The fake decoder has no window, which would be as much longer as the sound is lower.
    lead = controls.engine.lead_s - window_s * (2 ** (-pitch / 12) - 1)
    due_frame = 101
    controls.send(at(controls.timeline.clock.time_of(due_frame), ("/interp/style", 1.0)))
    audio = np.concatenate([controls.engine.render(size)[0] for _ in range(96 // size)])
    rate = 2 ** (pitch / 12)
    slow = 2 * np.cos(2 * np.pi * 0.02 * rate)
    residue = np.abs(audio[2:] - slow * audio[1:-1] + audio[:-2])
    heard = 64 + int(np.flatnonzero(residue > 0.1 * residue.max())[0]) / HOP
    assert abs(heard - lead * RATE / HOP - due_frame) <= max(1 / rate, 1)
