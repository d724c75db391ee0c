"""The sound card plays the ring, survives every mishap, and says what is missing."""

from __future__ import annotations

import builtins
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from server.output_soundcard import SoundCardOutput, load_portaudio, output_devices
from server.outputs import NoSoundCard, OutputError
from server.ring import Ring
from tests.server.fake_portaudio import FakePortAudio


def started(card: FakePortAudio, ring: Ring, **settings: Any) -> SoundCardOutput:
    output = SoundCardOutput(card, None, 48_000, ring.channels, **settings)
    output.start(ring)
    return output


def samples(count: int, channels: int = 1) -> np.ndarray:
    return np.arange(1, count * channels + 1, dtype=np.float32).reshape(count, channels)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_mono_is_played_on_the_first_two_channels() -> None:
    card, ring = FakePortAudio(channels=6), Ring(64, 1)
    output = started(card, ring)
    ring.write(samples(10))
    played = card.streams[0].call(10)
    assert played.shape == (10, 2)
    np.testing.assert_array_equal(played, np.repeat(samples(10), 2, axis=1))
    assert output.underruns == 0
    output.stop()


def test_stereo_goes_straight_through() -> None:
    card, ring = FakePortAudio(), Ring(64, 2)
    output = started(card, ring)
    ring.write(samples(10, 2))
    np.testing.assert_array_equal(card.streams[0].call(10), samples(10, 2))
    output.stop()


def test_what_is_missing_is_silence_and_counted() -> None:
    card, ring = FakePortAudio(), Ring(64, 1)
    output = started(card, ring)
    ring.write(samples(3))
    played = card.streams[0].call(8)
    np.testing.assert_array_equal(played[:3, 0], [1, 2, 3])
    assert not played[3:].any()
    assert not card.streams[0].call(8).any()
    card.streams[0].call(0, underflow=True)
    assert (output.underruns, output.device_xruns) == (2, 1)
    output.stop()


def test_an_exception_in_the_callback_is_silence() -> None:
    class Broken(Ring):
        def read_into(self, target: np.ndarray) -> int:
            raise RuntimeError

    card = FakePortAudio()
    output = started(card, Broken(64, 1))
    assert not card.streams[0].call(8).any()
    assert output.underruns == 1
    output.stop()


def test_it_runs_at_the_models_rate_where_the_card_can() -> None:
    card = FakePortAudio(rates_hz=(48_000, 22_050))
    assert SoundCardOutput(card, None, 22_050, 1).sample_rate_hz == 22_050
    assert SoundCardOutput(card, None, 44_100, 1).sample_rate_hz == 48_000


def test_the_stream_is_opened_as_the_callback_needs_it() -> None:
    card, ring = FakePortAudio(), Ring(64, 1)
    output = started(card, ring)
    assert card.streams[0].settings["dtype"] == "float32"
    assert card.streams[0].settings["samplerate"] == 48_000
    assert output.latency_s == pytest.approx(0.004)
    output.stop()
    output.stop()
    assert card.streams[0].is_closed


@pytest.mark.parametrize("device", ["Card 1", "1"])
def test_a_device_is_chosen_by_name_or_number(device: str) -> None:
    assert SoundCardOutput(FakePortAudio(devices=3), device, 48_000, 1).name == "Card 1"


def test_an_unknown_device_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(OutputError, match=r"no sound card 'Gramophone'.*0 Card 0") as caught:
        SoundCardOutput(FakePortAudio(), "Gramophone", 48_000, 1)
    assert not isinstance(caught.value, NoSoundCard)


def test_too_few_channels_are_an_error() -> None:
    with pytest.raises(OutputError, match="1 channels, the model 2"):
        SoundCardOutput(FakePortAudio(channels=1), None, 48_000, 2)


def test_a_machine_without_devices_is_told_apart() -> None:
    with pytest.raises(NoSoundCard):
        SoundCardOutput(FakePortAudio(devices=0), None, 48_000, 1)


def test_devices_are_listed_one_a_line() -> None:
    assert output_devices(FakePortAudio()) == ["0 Card 0 (Fake, 4 channels, 48000 Hz)"]


def test_a_missing_library_is_said_with_its_install_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "sounddevice":
            raise OSError("PortAudio library not found")
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(NoSoundCard, match="apt-get install libportaudio2"):
        load_portaudio()


def test_a_card_that_does_not_start_is_an_error() -> None:
    card = FakePortAudio()
    output = SoundCardOutput(card, None, 48_000, 1)
    card.broken = True
    with pytest.raises(OutputError, match="does not start"):
        output.start(Ring(64, 1))


def test_the_watchdog_opens_a_dead_stream_again() -> None:
    card, ring = FakePortAudio(), Ring(64, 1)
    output = started(card, ring, watch_s=0.02)
    card.streams[0].call(4)
    until(lambda: len(card.streams) > 1)
    assert card.streams[0].is_closed
    card.broken = True
    until(lambda: output.restarts > 3)
    card.broken = False
    count = len(card.streams)
    until(lambda: len(card.streams) > count)
    output.stop()
    assert card.streams[-1].is_closed


def test_the_watchdog_leaves_a_living_stream_alone() -> None:
    card, ring = FakePortAudio(), Ring(64, 1)
    output = started(card, ring, watch_s=0.1)
    for _ in range(50):
        card.streams[0].call(1)
        time.sleep(0.01)
    assert output.restarts == 0
    output.stop()


def test_a_driver_that_does_not_answer_any_more_is_replaced_by_the_null_output(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    at_the_end: list[object] = []
    monkeypatch.setattr("atexit.register", at_the_end.append)
    card, ring = FakePortAudio(), Ring(48_000, 1)
    output = started(card, ring, watch_s=0.02, close_s=0.05)
    ring.write(samples(48_000))
    card.answering.clear()
    until(lambda: ring.available < 40_000)
    assert "playing on without sound" in caplog.text
    output.stop()
    output.stop()
    assert len(card.streams) == 1
    assert at_the_end
    card.answering.set()
