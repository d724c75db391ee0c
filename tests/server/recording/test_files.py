"""A recording's file is valid at every moment, and exact to the bit."""

from __future__ import annotations

import subprocess
from io import FileIO
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.io import wavfile

from server.recording.flac import FlacFile
from server.recording.wav import HEADER_BYTES, RIFF_BYTES, WavFile, header
from tests.real.needs import needs

RATE = 44_100
KINDS = {"wav": WavFile, "flac": FlacFile}
UNKNOWN = 2**63 - 1
BLOCKS = [1, 512, 4095, 1, 4096, 8193, 3, 44_100]


def noise(samples: int, channels: int, seed: int = 1) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.uniform(-1, 1, (samples, channels)).astype(np.float32)


def rounded(samples: np.ndarray, kind: str) -> np.ndarray:
    """The samples as ``kind`` can represent them."""
    if kind == "wav":
        return samples
    return np.clip(np.rint(samples * 2.0**23), -(2**23), 2**23 - 1) / 2.0**23


def read(path: Path) -> np.ndarray:
    """Read a whole file, (T, C); FLAC does not distinguish an empty file from one of unknown
    length.
    """
    if soundfile.info(path).frames == UNKNOWN:
        return np.zeros((0, soundfile.info(path).channels))
    return np.asarray(soundfile.read(path, always_2d=True, dtype="float64")[0])


@pytest.mark.parametrize("channels", [1, 2, 8])
@pytest.mark.parametrize("kind", KINDS)
def test_a_recording_is_readable_at_any_time(kind: str, channels: int, tmp_path: Path) -> None:
    path = tmp_path / f"x.{kind}"
    file = KINDS[kind](FileIO(path, "x+"), RATE, channels)
    sound = noise(sum(BLOCKS), channels)
    at = 0
    for count in BLOCKS:
        file.write(sound[at : at + count])
        at += count
        file.commit()
        found = read(path)
        assert at - len(found) <= (0 if kind == "wav" else 4096)
        np.testing.assert_array_equal(found, rounded(sound[: len(found)], kind))
    file.close()
    np.testing.assert_array_equal(read(path), rounded(sound, kind))
    info = soundfile.info(path)
    assert (info.samplerate, info.subtype) == (RATE, "FLOAT" if kind == "wav" else "PCM_24")


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_off_anywhere_is_readable_up_to_the_last_settled_sample(
    kind: str, tmp_path: Path
) -> None:
    path, cut = tmp_path / f"x.{kind}", tmp_path / f"cut.{kind}"
    file = KINDS[kind](FileIO(path, "x+"), RATE, 2)
    sound = noise(30_000, 2)
    file.write(sound[:20_000])
    file.commit()
    settled, size = len(read(path)), path.stat().st_size
    file.write(sound[20_000:])  # not yet in the header
    data = path.read_bytes()
    for end in (size, size + 1, size + 777, len(data)):
        cut.write_bytes(data[:end])
        np.testing.assert_array_equal(read(cut), rounded(sound[:settled], kind))
    file.close()


def test_values_beyond_full_scale_are_kept_in_wav_and_clipped_in_flac(tmp_path: Path) -> None:
    sound = np.array([[1.5], [-1.5], [1.0], [-1.0], [1e-9]], np.float32)
    for kind, make in KINDS.items():
        file = make(FileIO(tmp_path / f"x.{kind}", "x+"), RATE, 1)
        file.write(sound)
        file.close()
        np.testing.assert_array_equal(read(tmp_path / f"x.{kind}"), rounded(sound, kind))


def test_a_wav_file_beyond_4_gb_becomes_rf64_and_is_readable_to_its_end(tmp_path: Path) -> None:
    most = (RIFF_BYTES + 8 - HEADER_BYTES) // 8
    for samples in (most, most + 1):
        path = tmp_path / f"{samples}.wav"
        with path.open("wb") as file:  # sparse: it takes no space
            file.write(header(RATE, 2, samples))
            file.truncate(HEADER_BYTES + 8 * samples)
            file.seek(HEADER_BYTES + 8 * (samples - 1))
            file.write(np.array([0.25, -0.5], "<f4").tobytes())
        info = soundfile.info(path)
        assert (info.frames, info.format) == (samples, "WAV" if samples == most else "RF64")
        last, _ = soundfile.read(path, start=samples - 1, dtype="float32")
        np.testing.assert_array_equal(last, [[0.25, -0.5]])
        path.unlink()


def test_scipy_reads_the_same_bits(tmp_path: Path) -> None:
    file = WavFile(FileIO(tmp_path / "x.wav", "x+"), RATE, 2)
    sound = noise(10_000, 2)
    file.write(sound)
    file.commit()
    rate_hz, found = wavfile.read(tmp_path / "x.wav")
    assert rate_hz == RATE
    np.testing.assert_array_equal(found, sound)
    file.close()


@pytest.mark.parametrize("kind", KINDS)
def test_sox_reads_the_same_samples(kind: str, tmp_path: Path) -> None:
    needs("sox")
    path = tmp_path / f"x.{kind}"
    file = KINDS[kind](FileIO(path, "x+"), RATE, 2)
    sound = noise(10_000, 2)
    file.write(sound)
    file.commit()  # while it is still open
    said = subprocess.run(
        ["sox", path, "-t", "f32", "-"], check=True, capture_output=True, timeout=60
    )
    heard = np.frombuffer(said.stdout, np.float32).reshape(-1, 2)
    assert not said.stderr
    assert len(sound) - len(heard) <= 4096
    # sox works in 32-bit integers, less precise than a float near zero.
    np.testing.assert_allclose(heard, rounded(sound[: len(heard)], kind), rtol=0, atol=2**-24)
    file.close()


class SmallDisk(FileIO):
    """A disk with little space."""

    room = 150_000

    def write(self, data: bytes) -> int:  # type: ignore[override]
        end = self.tell() + len(data)
        if end > self.room:
            data = data[: max(len(data) - (end - self.room), 0)]
            if not data:
                raise OSError(28, "No space left on device")
        return super().write(data)


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_disk_raises_an_error_and_keeps_the_settled_samples(
    kind: str, tmp_path: Path
) -> None:
    path = tmp_path / f"x.{kind}"
    file = KINDS[kind](SmallDisk(path, "x+"), RATE, 2)
    sound = noise(40_000, 2)
    settled = 0

    def fill() -> None:
        nonlocal settled
        for at in range(0, len(sound), 1000):
            file.write(sound[at : at + 1000])
            file.commit()
            settled = len(read(path))

    with pytest.raises(OSError, match="No space left on device"):
        fill()
    file.close()
    found = read(path)
    assert settled > 5000 and len(found) == settled
    np.testing.assert_array_equal(found, rounded(sound[:settled], kind))
    assert path.stat().st_size <= SmallDisk.room


def test_too_many_channels_for_flac_raise_an_error(tmp_path: Path) -> None:
    with FileIO(tmp_path / "x.flac", "x+") as file, pytest.raises(OSError, match=r"\w"):
        FlacFile(file, RATE, 9)


@pytest.mark.parametrize("rate_hz", [8_000, 48_000, 192_000, 384_000])
@pytest.mark.parametrize("kind", KINDS)
def test_every_rate_of_a_sound_card_can_be_recorded(
    kind: str, rate_hz: int, tmp_path: Path
) -> None:
    file = KINDS[kind](FileIO(tmp_path / f"x.{kind}", "x+"), rate_hz, 1)
    file.write(noise(5000, 1))
    file.close()
    assert soundfile.info(tmp_path / f"x.{kind}").samplerate == rate_hz
    assert len(read(tmp_path / f"x.{kind}")) == 5000
