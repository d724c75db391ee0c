"""A deck's recording survives Ogg Vorbis in its place and length; anything else is refused."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from export.audio import recordings
from export.audio.model_input import AudioError
from export.audio.recordings import decode_recording, encode_recording

RATE_HZ = 44_100


def clicks_and_tones(seconds: float, rate_hz: int = RATE_HZ, seed: int = 0) -> NDArray[np.int16]:
    """Stereo with an attack at the first sample, and different channels."""
    generator = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    left = np.sin(2 * np.pi * 440 * time) * np.exp(-3 * (time % 0.25))
    right = 0.5 * np.sin(2 * np.pi * 663 * time) * np.exp(-9 * (time % 0.1))
    sound = 0.4 * np.stack([left, right], axis=1)
    sound += 0.002 * generator.standard_normal(sound.shape)
    sound[:200] += 0.3 * generator.standard_normal((200, 2))
    return np.round(np.clip(sound, -1, 1) * 32767).astype(np.int16)


def encoded(pcm: NDArray[np.int16], rate_hz: int = RATE_HZ, **kind: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, pcm, rate_hz, **({"format": "OGG", "subtype": "VORBIS"} | kind))
    return file.getvalue()


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 44_100])
@pytest.mark.parametrize("frames", [1, 700, 65_537, 150_001])
def test_a_recording_keeps_its_place_length_and_channels(rate_hz: int, frames: int) -> None:
    pcm = clicks_and_tones(10, rate_hz)[:frames]
    decoded = decode_recording(encode_recording(pcm, rate_hz), rate_hz)
    assert decoded.shape == pcm.shape and decoded.dtype == np.int16
    if frames < 2000:
        return
    for channel in range(2):
        wanted, found = pcm[:, channel].astype(float), decoded[:, channel].astype(float)
        assert np.square(wanted - found).sum() < 10**-1.5 * np.square(wanted).sum()
        fit = {lag: wanted[50:5000] @ found[50 + lag : 5000 + lag] for lag in range(-50, 51)}
        assert max(fit, key=lambda lag: fit[lag]) == 0
    assert np.abs(np.diff(decoded.astype(float), axis=1)).mean() > 100, "mono came back"


def test_peaks_at_full_scale_do_not_wrap() -> None:
    square = np.where(np.arange(RATE_HZ) // 50 % 2, 32767, -32767).astype(np.int16)
    decoded = decode_recording(encode_recording(np.stack([square] * 2, axis=1), RATE_HZ), RATE_HZ)
    assert np.abs(decoded.astype(int)).max() >= 32767
    middle = square.reshape(-1, 50)[:, 25].astype(int)
    assert (np.sign(decoded[25::50, 0]) == np.sign(middle)).all()


def test_recordings_are_small() -> None:
    noise = np.random.default_rng(0).standard_normal((10 * RATE_HZ, 2)).cumsum(axis=0)
    pcm = np.round(noise / np.abs(noise).max() * 20_000).astype(np.int16)
    assert len(encode_recording(pcm, RATE_HZ)) < 0.15 * pcm.nbytes


WHOLE = encode_recording(clicks_and_tones(2), RATE_HZ)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "cannot be read as Ogg Vorbis"),
        (b"OggS", "cannot be read as Ogg Vorbis"),
        (b"OggS" + bytes(5000), "cannot be read as Ogg Vorbis"),
        (WHOLE[:3000], "cannot be read as Ogg Vorbis"),
        (encoded(clicks_and_tones(1), format="WAV", subtype="PCM_16"), "is WAV PCM_16"),
        (encoded(clicks_and_tones(1), 48_000, subtype="OPUS"), "is OGG OPUS, not Ogg Vorbis"),
        (encoded(clicks_and_tones(1)[:, 0]), "has 1 channels, not 2"),
        (encoded(clicks_and_tones(1), 22_050), "is at 22050 Hz, not at the model's 44100 Hz"),
    ],
)
def test_anything_else_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(AudioError, match=words) as caught:
        decode_recording(data, RATE_HZ)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", np.linspace(0.02, 0.98, 13))
def test_damage_is_refused_or_shortens(place: float) -> None:
    data = bytearray(WHOLE)
    first = int(place * len(data))
    data[first : first + 40] = bytes(40)
    try:
        pcm = decode_recording(bytes(data), RATE_HZ)
    except AudioError:
        return
    assert len(pcm) <= 2 * RATE_HZ and pcm.shape[1] == 2


def test_a_recording_that_is_too_long_is_refused_before_it_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recordings, "LONGEST_S", 1.5)
    for work in (
        lambda: decode_recording(WHOLE, RATE_HZ),
        lambda: encode_recording(clicks_and_tones(2), RATE_HZ),
    ):
        with pytest.raises(AudioError, match=r"lasts 2 s; .* at most 1\.5"):
            work()


def test_a_rate_that_vorbis_cannot_have_is_refused() -> None:
    with pytest.raises(AudioError, match="is at 400000 Hz; Vorbis goes up to 200000"):
        encode_recording(clicks_and_tones(0.1), 400_000)
