"""The callback plays the ring and survives every failure; unusable cards give a one-line error."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest

from server.output.card_stream import CardRequest, CardStream, find_card
from server.output.portaudio import load_portaudio, output_devices
from server.output.protocol import NoSoundCard, OutputError
from server.output.ring import Ring
from server.output.ring_layout import ring_bytes
from server.output.ring_reader import RingReader
from tests.server.fake_portaudio import FakePortAudio


def request(**changes: Any) -> CardRequest:
    usual: dict[str, Any] = {
        "device": None,
        "rate_hz": None,
        "preferred_rate_hz": 48_000.0,
        "channels": 2,
        "may_be_mono": True,
        "latency": "low",
    }
    return CardRequest(**{**usual, **changes})


class Rig:
    def __init__(self, capacity: int = 64, channels: int = 2, **card: Any) -> None:
        self.card = FakePortAudio(channels=channels, **card)
        self.memory = bytearray(ring_bytes(capacity, channels))
        self.ring = Ring(capacity, channels, self.memory)
        found = find_card(self.card, request(channels=channels))
        reader = RingReader(capacity, channels, self.memory)
        self.stream = CardStream(self.card, found, "low", reader)

    def call(self, frames: int, underflow: bool = False) -> np.ndarray:
        return self.card.streams[0].call(frames, underflow)


def samples(count: int, channels: int = 2, start: int = 1) -> np.ndarray:
    return np.arange(start, start + count * channels, dtype=np.float32).reshape(count, channels)


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_the_ring_is_played_across_its_end(channels: int) -> None:
    rig = Rig(capacity=7, channels=channels)
    for n in range(20):
        block = samples(5, channels, start=100 * n)
        assert rig.ring.write(block) == 5
        np.testing.assert_array_equal(rig.call(5), block)
    assert (rig.ring.calls, rig.ring.underruns) == (20, 0)
    assert rig.ring.largest_request == 5


def test_missing_samples_are_silent_and_counted() -> None:
    rig = Rig()
    assert not rig.call(8).any()
    assert rig.ring.underruns == 0  # nothing has been written yet
    rig.ring.write(samples(3))
    played = rig.call(8)
    np.testing.assert_array_equal(played[:3], samples(3))
    assert not played[3:].any()
    rig.call(0, underflow=True)
    assert (rig.ring.underruns, rig.ring.device_xruns) == (1, 1)
    rig.ring.end()
    assert not rig.call(8).any()
    assert rig.ring.underruns == 1


def test_an_exception_in_the_callback_plays_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()
    monkeypatch.setattr(RingReader, "fill", lambda *_: 1 / 0)
    assert not rig.call(8).any()


def test_the_stream_is_opened_with_the_settings_of_the_callback() -> None:
    rig = Rig()
    settings = rig.card.streams[0].settings
    assert (settings["dtype"], settings["samplerate"], settings["channels"]) == (
        "float32",
        48_000,
        2,
    )
    assert rig.stream.latency_s == pytest.approx(0.004)
    rig.stream.close()
    assert rig.card.streams[0].is_closed


def test_the_card_runs_at_the_models_rate_if_it_can_or_at_the_requested_rate() -> None:
    card = FakePortAudio(rates_hz=(48_000, 22_050, 96_000))
    assert find_card(card, request(preferred_rate_hz=22_050.0)).rate_hz == 22_050
    assert find_card(card, request(preferred_rate_hz=44_100.0)).rate_hz == 48_000
    assert find_card(card, request(rate_hz=96_000.0)).rate_hz == 96_000


@pytest.mark.parametrize("device", ["Card 1", "1"])
def test_a_device_is_chosen_by_name_or_number(device: str) -> None:
    assert find_card(FakePortAudio(devices=3), request(device=device)).name == "Card 1"


def test_a_mono_card_is_used_only_for_a_mono_model() -> None:
    assert find_card(FakePortAudio(channels=1), request()).channels == 1
    with pytest.raises(OutputError, match="1 channels, not the 2"):
        find_card(FakePortAudio(channels=1), request(may_be_mono=False))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"device": "Gramophone"}, r"no sound card 'Gramophone'.*0 Card 0"),
        ({"device": "7"}, r"no sound card '7'.*0 Card 0"),
        ({"channels": 6}, "'Card 0' has 4 channels, not the 6 asked for"),
        ({"rate_hz": 96_000.0}, "does not offer 96000 Hz; it offers 48000"),
    ],
)
def test_a_request_that_no_card_can_meet_fails_with_one_line(
    changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(OutputError, match=words) as caught:
        find_card(FakePortAudio(), request(**changes))
    assert not isinstance(caught.value, NoSoundCard)


def test_a_machine_without_sound_cards_raises_no_sound_card() -> None:
    with pytest.raises(NoSoundCard):
        find_card(FakePortAudio(devices=0), request())


def test_devices_are_listed_one_per_line() -> None:
    assert output_devices(FakePortAudio()) == ["0 Card 0 (Fake, 4 channels, 48000 Hz)"]


def test_a_card_that_does_not_start_raises_output_error() -> None:
    card = FakePortAudio()
    found = find_card(card, request())
    card.broken = True
    with pytest.raises(OutputError, match="does not start"):
        CardStream(card, found, "low", RingReader(4, 2, bytearray(ring_bytes(4, 2))))


def test_a_missing_portaudio_is_reported_with_its_install_command(
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
