"""Files of every kind, also those that libsndfile reads in part or not at all, are read whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from export.audio.decoding import length_s, stereo_blocks
from export.audio.errors import AudioError
from export.audio.model_input import read_mono, read_stereo
from tests.encoded_audio import write_audio, write_video

RATE_HZ = 44_100


def tones(seconds: float, rate_hz: int = RATE_HZ, level: float = 0.3) -> np.ndarray:
    """Stereo (T, 2): 440 Hz on the left, 660 Hz on the right."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    return level * np.sin(2 * np.pi * np.outer(time_s, (440, 660)))


def peaks_hz(samples: np.ndarray, rate_hz: int) -> list[float]:
    spectrum = np.abs(np.fft.rfft(samples, axis=0))
    return [float(n) * rate_hz / len(samples) for n in spectrum.argmax(axis=0)]


def require_tones(path: Path, seconds: float, tolerance_s: float = 0.06) -> None:
    samples = read_stereo(path, 22_050).samples
    assert len(samples) / 22_050 == pytest.approx(seconds, abs=tolerance_s)
    assert peaks_hz(samples, 22_050) == pytest.approx([440, 660], abs=2)


@pytest.mark.parametrize(
    ("name", "codec", "rate_hz"),
    [
        ("x.m4a", "aac", 44_100),
        ("x.m4a", "alac", 44_100),
        ("x.aac", "aac", 48_000),
        ("x.mka", "flac", 96_000),
        ("x.mp3", "libmp3lame", 44_100),
        ("x.opus", "libopus", 48_000),
        ("x.wma", "wmav2", 44_100),
        ("x.wv", "wavpack", 44_100),
        ("x.tta", "tta", 44_100),
        ("x.ac3", "ac3", 48_000),
        ("x.mp4", "aac", 44_100),
        ("x.webm", "libopus", 48_000),
        ("x.caf", "pcm_s24be", 44_100),
        ("x.au", "pcm_f64be", 44_100),
        ("x.wav", "pcm_u8", 8_000),
        ("x.wav", "pcm_s32le", 192_000),
    ],
)
def test_files_of_every_kind_are_read(tmp_path: Path, name: str, codec: str, rate_hz: int) -> None:
    path = write_audio(tmp_path / name, tones(2.0, rate_hz), rate_hz, codec)
    require_tones(path, 2.0)


def test_the_sound_of_a_film_is_read(tmp_path: Path) -> None:
    require_tones(write_video(tmp_path / "film.mp4", tones(2.0), RATE_HZ), 2.0)


def test_an_mp3_of_variable_bit_rate_without_header_is_read_whole(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).standard_normal((6 * RATE_HZ, 2)) * 0.02
    loudness = np.repeat([1.0, 0.01, 1.0, 0.01, 1.0, 0.01], RATE_HZ)[:, None]
    options = {"write_xing": "0", "compression_level": "5", "global_quality": "236"}
    flags = {"flags": "+qscale", **options}
    music = loudness * (tones(6.0) + noise)
    require_tones(write_audio(tmp_path / "x.mp3", music, RATE_HZ, "libmp3lame", options=flags), 6.0)


@pytest.mark.parametrize("lead", [b"\0" * 30_000, b"TAG" + bytes(range(256)) * 8])
def test_an_mp3_behind_zeros_or_garbage_is_read(tmp_path: Path, lead: bytes) -> None:
    path = write_audio(tmp_path / "x.mp3", tones(3.0), RATE_HZ, "libmp3lame")
    path.write_bytes(lead + path.read_bytes())
    require_tones(path, 3.0)


@pytest.mark.parametrize("kind", ["ogg", "mp3"])
def test_files_one_after_the_other_are_read_whole(tmp_path: Path, kind: str) -> None:
    whole = b""
    for part in ("one", "two"):
        soundfile.write(tmp_path / f"{part}.{kind}", tones(3.0), RATE_HZ)
        whole += (tmp_path / f"{part}.{kind}").read_bytes()
    (tmp_path / f"both.{kind}").write_bytes(whole)
    require_tones(tmp_path / f"both.{kind}", 6.0, tolerance_s=0.15)


def test_a_change_of_rate_and_channels_inside_a_file_keeps_pitch_and_length(
    tmp_path: Path,
) -> None:
    """Two streams of AAC in one file: 2 s in stereo at 44.1 kHz, then 2 s in mono at 22.05 kHz."""
    first = write_audio(tmp_path / "1.aac", tones(2.0), RATE_HZ, "aac")
    mono = tones(2.0, 22_050)[:, :1]
    second = write_audio(tmp_path / "2.aac", mono, 22_050, "aac", layout="mono")
    (tmp_path / "both.aac").write_bytes(first.read_bytes() + second.read_bytes())
    samples = read_stereo(tmp_path / "both.aac", 32_000).samples
    assert len(samples) / 32_000 == pytest.approx(4.0, abs=0.15)
    assert peaks_hz(samples[:60_000], 32_000) == pytest.approx([440, 660], abs=2)
    assert peaks_hz(samples[-60_000:], 32_000) == pytest.approx([440, 440], abs=2)


@pytest.mark.parametrize(
    ("rate_hz", "samples"), [(8_000, 8_000), (22_050, 60_000), (44_100, 99_999)]
)
def test_ogg_vorbis_ends_with_its_last_sample(tmp_path: Path, rate_hz: int, samples: int) -> None:
    soundfile.write(tmp_path / "x.ogg", tones(samples / rate_hz, rate_hz), rate_hz)
    assert len(read_stereo(tmp_path / "x.ogg", rate_hz).samples) == samples


def test_a_wav_whose_recorder_died_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, tones(2.0), RATE_HZ)
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = bytes(4)
    path.write_bytes(data)
    require_tones(path, 2.0)


def test_bad_packets_are_left_out_and_the_rest_is_read(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "x.mp3", tones(4.0), RATE_HZ, "libmp3lame")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = np.random.default_rng(2).bytes(3000)
    path.write_bytes(data)
    require_tones(path, 4.0, tolerance_s=0.5)


def test_noise_called_mp3_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "noise.mp3"
    path.write_bytes(np.random.default_rng(0).bytes(100_000))
    with pytest.raises(AudioError, match=r"noise\.mp3: cannot be read as audio") as caught:
        read_mono(path, RATE_HZ)
    assert caught.value.reason == "corrupt" and "\n" not in str(caught.value)


def test_a_picture_holds_no_sound(tmp_path: Path) -> None:
    (tmp_path / "x.pgm").write_bytes(b"P5 8 8 255\n" + bytes(64))
    with pytest.raises(AudioError, match="holds no sound"):
        read_mono(tmp_path / "x.pgm", RATE_HZ)


def test_a_playlist_does_not_open_the_network(tmp_path: Path) -> None:
    path = tmp_path / "x.m3u8"
    path.write_text(
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n"
    )
    with pytest.raises(AudioError):
        read_mono(path, RATE_HZ)


def test_every_block_is_of_one_rate_and_short(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.wav", tones(20.0), RATE_HZ)
    blocks = list(stereo_blocks(tmp_path / "x.wav"))
    assert {block.rate_hz for block in blocks} == {RATE_HZ}
    assert sum(len(block.samples) for block in blocks) == 20 * RATE_HZ
    assert max(len(block.samples) for block in blocks) < 3 * RATE_HZ


def test_the_length_is_known_before_reading(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "x.m4a", tones(3.0), RATE_HZ, "aac")
    assert length_s(path) == pytest.approx(3.0, abs=0.1)
    (tmp_path / "text").write_text("no audio")
    assert length_s(tmp_path / "text") is None
