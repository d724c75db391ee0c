"""The original recording instead of the decoded sound: at the same place, without clicks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from pythonosc.osc_message_builder import build_msg

from server.controls.replies import Reply
from server.decks.encoding import DeckEncoder
from server.decks.graphs import graphs_of
from server.engine.deck import DeckData, Recording, recording_of
from server.engine.runtime import RuntimeOptions
from server.program import main
from tests import mini_bundle
from tests.server.control_inputs import ControlRig
from tests.server.fakes import fake_deck
from tests.server.test_program import render

HOP, RATE, LATENCY = mini_bundle.HOP, mini_bundle.RATE_HZ, mini_bundle.LATENCY
TICKS = 100
LOOP = TICKS * mini_bundle.TICK_FRAMES * HOP
CLICK = 0.12
"""The steepest step of the fake sine at full level is 0.06; that of the recordings is less."""
RIGHT = -0.8
NEAR = 0.01
"""Allows for the DC blocker's phase shift; one sample off would differ by 0.07."""


def channels(left: np.ndarray) -> np.ndarray:
    """A stereo sound (2, T) whose right side is its left one, upside down and quieter."""
    return np.stack([left, RIGHT * left])


def sine(turns: int) -> np.ndarray:
    """A whole number of turns, so that the loop has no seam."""
    return 0.5 * np.sin(2 * np.pi * turns * np.arange(LOOP) / LOOP)


def recorded(name: str, style: float = 0.0, turns: int = 200) -> DeckData:
    recording = Recording(np.round(channels(sine(turns)).T * 32767).astype(np.int16))
    return fake_deck(name, style, ticks=TICKS, structure=0.5, recording=recording)


def rig(*decks: tuple[str, DeckData]) -> ControlRig:
    controls = ControlRig()
    controls.send(build_msg("/level", 0.0).dgram)
    for name, deck in decks or (("a", recorded("a")),):
        controls.engine.put_deck(name, deck)
    return controls


def played(controls: ControlRig, frames: int, block: int = 4) -> np.ndarray:
    return np.concatenate([controls.engine.render(block) for _ in range(frames // block)], axis=1)


def send(controls: ControlRig, address: str, value: float) -> None:
    controls.send(build_msg(address, value).dgram)


def steepest(audio: np.ndarray) -> float:
    return float(np.abs(np.diff(audio)).max())


def original(first_frame: int, frames: int, turns: int = 200) -> np.ndarray:
    """The recording from a frame on, delayed like the decoder's sound and by the limiter."""
    positions = np.arange(first_frame * HOP, (first_frame + frames) * HOP) - LATENCY - DELAY
    return channels(sine(turns)[positions % LOOP])


def measured_delay() -> int:
    """The limiter's lookahead in samples."""
    from server.engine.limiter import Limiter

    impulse = np.zeros((1, 64 * HOP), np.float32)
    impulse[0, 0] = 0.5
    return int(np.abs(Limiter(RATE, HOP).process(impulse)[0]).argmax())


DELAY = measured_delay()


def test_bypass_plays_the_recording_at_the_playhead() -> None:
    controls = rig()
    played(controls, 100)
    send(controls, "/deck/a/bypass", 1)
    played(controls, 100)
    np.testing.assert_allclose(played(controls, 400), original(200, 400), atol=NEAR)


def test_a_bypassed_deck_is_heard_alone_at_any_interp_and_two_share() -> None:
    controls = rig(("a", recorded("a")), ("b", recorded("b", 1.0, turns=300)))
    send(controls, "/interp", 1.0)
    send(controls, "/deck/a/bypass", 1)
    played(controls, 100)
    np.testing.assert_allclose(played(controls, 40), original(100, 40), atol=NEAR)
    send(controls, "/deck/b/bypass", 1)
    played(controls, 60)
    both = (original(200, 40) + original(200, 40, turns=300)) / 2
    np.testing.assert_allclose(played(controls, 40), both, atol=NEAR)


def test_bypass_fades_in_and_out_without_a_click_and_leaves_the_decoder_unaffected() -> None:
    controls, other = rig(), rig()
    parts = []
    for value in (1, 0, 1, 0):
        parts.append(played(controls, 48))
        send(controls, "/deck/a/bypass", value)
    audio = np.concatenate([*parts, played(controls, 200)], axis=1)
    plain = played(other, 392)
    assert steepest(audio) < CLICK
    np.testing.assert_allclose(audio[:, -60 * HOP :], plain[:, -60 * HOP :], atol=1e-5)


@pytest.mark.parametrize("block", [1, 7, 64])
def test_block_size_does_not_matter(block: int) -> None:
    def play(size: int) -> np.ndarray:
        controls = rig()
        send(controls, "/speed", 1.5)
        send(controls, "/deck/a/bypass", 1)
        return played(controls, 448, size)

    np.testing.assert_allclose(play(block), play(448), atol=1e-5)


@pytest.mark.parametrize(
    ("address", "value"),
    [("/position", 0.613), ("/speed", -1.0), ("/freeze", 1), ("/loop/end", 0.31)],
)
def test_playhead_controls_make_no_click_in_bypass(address: str, value: float) -> None:
    controls = rig()
    send(controls, "/deck/a/bypass", 1)
    before = played(controls, 100)
    send(controls, address, value)
    audio = np.concatenate([before, played(controls, 300)], axis=1)
    assert steepest(audio) < CLICK
    assert np.abs(audio[:, -HOP:]).max() == (
        pytest.approx(0, abs=1e-6) if "freeze" in address else pytest.approx(0.5, abs=0.3)
    )


def test_half_the_speed_gives_half_the_pitch_in_bypass() -> None:
    controls = rig()
    send(controls, "/speed", 0.5)
    send(controls, "/deck/a/bypass", 1)
    played(controls, 100)
    spectrum = np.abs(np.fft.rfft(played(controls, 200)))
    assert (np.argmax(spectrum, axis=1) == 100).all()  # of the 200 turns of a loop


@pytest.mark.parametrize("follower", ["recorded", "library"])
def test_loading_another_deck_over_a_bypassed_one_makes_no_click(follower: str) -> None:
    controls = rig()
    send(controls, "/deck/a/bypass", 1)
    before = played(controls, 101 * 4)
    is_recorded = follower == "recorded"
    deck = recorded("b", turns=300) if is_recorded else fake_deck("b", 0.0, structure=0.5)
    controls.engine.put_deck("a", deck)
    after = played(controls, 120)
    assert steepest(np.concatenate([before, after], axis=1)) < CLICK
    if is_recorded:
        np.testing.assert_allclose(after[:, -40 * HOP :], original(484, 40, turns=300), atol=NEAR)
    else:
        assert np.abs(after[:, -HOP * 4 :]).max() == pytest.approx(0.25, abs=0.02)


def test_a_deck_without_a_recording_cannot_be_bypassed() -> None:
    controls = rig(("a", fake_deck("piano", 0.0)))
    for deck, reason in (("a", "library deck"), ("c", "empty")):
        address = f"/deck/{deck}/bypass"
        send(controls, address, 1)
        reply = controls.sender.replies.pop()
        assert (reply.address, reply.arguments[0]) == ("/fail", address)
        assert reason in str(reply.arguments[1])
        send(controls, address, 0)
        controls.send(build_msg(address).dgram)
        assert controls.sender.replies == [Reply(address, (0,))]
        controls.sender.replies.clear()


def test_an_encoded_file_keeps_its_recording_at_the_model_rate_and_loudness(
    recording: Path,
) -> None:
    bundle = mini_bundle.bundle()
    encoder = DeckEncoder(graphs_of(bundle), RuntimeOptions("cpu"))
    deck = encoder.encode(recording)
    assert deck.recording is not None and deck.bypass_unavailable_reason is None
    assert deck.recording.samples == deck.ticks * bundle.manifest.tick_samples
    middle = deck.recording.at(np.arange(2000.0, 12000.0))
    assert 20 * np.log10(middle.std()) == pytest.approx(-23, abs=5)
    assert np.abs(deck.recording.at(np.array([0.0, deck.recording.samples - 1]))).max() == 0


def test_a_loop_of_a_recording_fades_at_its_ends_and_nowhere_else() -> None:
    pcm = np.full((RATE, 2), 20_000, np.int16)
    loop = recording_of(pcm, RATE, RATE // 2, mid=(0.0, 1.0))
    assert (loop.samples, loop.mid) == (RATE // 2, (0.0, 1.0))
    seam = round(0.005 * RATE)
    assert not loop.pcm[[0, -1]].any()
    assert (np.diff(loop.pcm[:seam, 0]) > 0).all() and (np.diff(loop.pcm[-seam:, 1]) < 0).all()
    assert (loop.pcm[seam:-seam] == 20_000).all()


def test_rendering_a_bypassed_deck_to_a_file_gives_the_recording(
    bundle_path: Path, tmp_path: Path, recording: Path
) -> None:
    options = ("--deck-c", str(recording), "--set", "/level=0", "--seconds", "0.9")
    audio = render(bundle_path, tmp_path / "x.wav", *options, "--set", "/deck/c/bypass=1")
    source, _ = soundfile.read(recording)
    import soxr

    wanted = soxr.resample(source, 22_050, RATE)
    assert np.ptp(audio, axis=1).max() == 0  # a mono file is in the middle
    part = slice(RATE // 4, RATE // 2)
    found = [np.corrcoef(audio[part, 0], np.roll(wanted, n)[part])[0, 1] for n in range(-400, 401)]
    assert max(found) > 0.99 and abs(int(np.argmax(found)) - 400 - DELAY) <= 2


def test_rendering_with_bypass_but_no_recording_fails_with_the_reason(
    bundle_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "x.wav"
    options = ["--bundle", str(bundle_path), "--output", f"wav:{target}"]
    assert main([*options, "--set", "/deck/a/bypass=1"]) == 2
    assert "low is a library deck" in capsys.readouterr().err
    assert not target.exists()
