"""Stereo as it is read: which mono a model hears, loudness, and sound longer than memory."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from export.audio.errors import AudioError
from export.audio.model_input import (
    decibels,
    normalise_loudness,
    normalised_mono,
    read_mono,
    read_stereo,
)
from export.audio.scratch import FilledArray, ScratchArray
from export.audio.stereo import StereoStream

RATE_HZ = 22_050


def music(seconds: float = 3.0, seed: int = 1) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE_HZ)).clip(-3, 3)


def written(path: Path, left: np.ndarray, right: np.ndarray, rate_hz: int = RATE_HZ) -> Path:
    soundfile.write(path, np.stack([left, right], axis=1), rate_hz, subtype="FLOAT")
    return path


def test_ordinary_stereo_is_heard_as_the_mean_of_its_channels(tmp_path: Path) -> None:
    left, right = music(seed=1), music(seed=2)
    sound = read_stereo(written(tmp_path / "x.wav", left, right), RATE_HZ)
    assert sound.mid == (0.5, 0.5)
    np.testing.assert_allclose(sound.mono(), (left + right) / 2, atol=1e-6)
    np.testing.assert_allclose(sound.samples, np.stack([left, right], axis=1), atol=1e-6)


@pytest.mark.parametrize(("gains", "mid"), [((1.0, -0.9), (1, 0)), ((-0.7, 0.8), (0, 1))])
def test_channels_that_cancel_are_heard_as_the_louder_one(
    tmp_path: Path, gains: tuple[float, float], mid: tuple[float, float]
) -> None:
    sound = read_stereo(
        written(tmp_path / "x.wav", *(gain * music() + 0.02 * music(seed=3) for gain in gains)),
        RATE_HZ,
    )
    assert sound.mid == mid
    assert np.corrcoef(sound.mono(), music())[0, 1] ** 2 > 0.9


@pytest.mark.parametrize(
    ("correlation", "mid"), [(-0.45, (0.5, 0.5)), (-0.55, (1.0, 0.0)), (0.3, (0.5, 0.5))]
)
def test_the_channels_cancel_below_a_correlation_of_a_half(
    correlation: float, mid: tuple[float, float]
) -> None:
    left, other = music(20.0, 1), music(20.0, 2)
    right = 0.9 * (correlation * left + np.sqrt(1 - correlation**2) * other)
    stream = StereoStream(RATE_HZ)
    stream.add(np.stack([left, right], axis=1).astype(np.float32), RATE_HZ)
    assert stream.end().mid == mid


def test_a_silent_channel_does_not_count_as_cancelling(tmp_path: Path) -> None:
    sound = read_stereo(written(tmp_path / "x.wav", music(), 0 * music()), RATE_HZ)
    assert sound.mid == (0.5, 0.5)


@pytest.mark.parametrize("rate_hz", [RATE_HZ, 44_100])
def test_a_mono_file_has_two_equal_channels_and_the_same_loudness_as_before(
    tmp_path: Path, rate_hz: int
) -> None:
    soundfile.write(tmp_path / "x.wav", music(), rate_hz, subtype="FLOAT")
    sound = read_stereo(tmp_path / "x.wav", RATE_HZ)
    np.testing.assert_array_equal(sound.samples[:, 0], sound.samples[:, 1])
    mono, gain = normalised_mono(sound, RATE_HZ)
    expected, gain_db = normalise_loudness(read_mono(tmp_path / "x.wav", RATE_HZ), RATE_HZ)
    assert decibels(gain) == pytest.approx(gain_db, abs=1e-6)
    np.testing.assert_allclose(mono, expected, atol=1e-6)


def test_the_gain_clips_neither_the_mono_nor_a_channel(tmp_path: Path) -> None:
    """A click in one channel is half as high in the mean."""
    left, right = 0.01 * music(), 0.01 * music(seed=2)
    left[30_000] = 0.9
    sound = read_stereo(written(tmp_path / "x.wav", left, right), RATE_HZ)
    mono, gain = normalised_mono(sound, RATE_HZ)
    assert sound.peak * gain <= 1.0
    pcm = sound.pcm(gain)
    assert pcm.dtype == np.int16 and pcm.shape == sound.samples.shape
    assert pcm.max() == 32767 and np.argmax(pcm[:, 0]) == 30_000
    np.testing.assert_allclose(pcm.mean(axis=1) / 32767, mono, atol=2e-5)


def test_blocks_of_any_size_are_resampled_as_the_whole() -> None:
    sound = np.stack([music(seed=1), music(seed=2)], axis=1).astype(np.float32)
    wholes = StereoStream(16_000)
    wholes.add(sound, RATE_HZ)
    parts = StereoStream(16_000)
    for part in np.array_split(sound, 37):
        parts.add(part, RATE_HZ)
    np.testing.assert_allclose(parts.end().samples, wholes.end().samples, atol=1e-6)


def test_long_sound_is_in_a_file_without_a_name(tmp_path: Path, monkeypatch: object) -> None:
    """So that nothing is left behind, however the process ends."""
    assert isinstance(monkeypatch, pytest.MonkeyPatch)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    array = ScratchArray(np.float32, (2,))
    array.add(np.ones((1000, 2)))
    mapped = array.finished()
    assert isinstance(mapped, np.memmap) and mapped.sum() == 2000
    assert not list(tmp_path.iterdir())


def test_an_array_is_mapped_while_it_is_filled(tmp_path: Path) -> None:
    array = FilledArray(np.int16, (1000, 2), tmp_path / "x")
    other = np.memmap(tmp_path / "x", np.int16, "r", shape=(1000, 2))
    assert not other.any()
    for start in (0, 400):
        array.add(np.arange(start, start + 400)[:, None] * [1, -1])
        assert array.filled == start + 400
    assert (other[:800, 0] == np.arange(800)).all() and not other[800:].any()
    array.add(np.ones((900, 2)))
    assert array.filled == 1000 and other[800:].all() and len(other) == 1000
    assert array.finished() is array.array
    array.close()
    assert (tmp_path / "x").stat().st_size == 4000


def test_an_array_that_is_given_up_leaves_no_file(tmp_path: Path) -> None:
    for array in (
        FilledArray(np.int16, (9,), tmp_path / "a"),
        ScratchArray(np.int16, (), tmp_path / "b"),
    ):
        array.add(np.ones(5))
        array.close()
    assert not list(tmp_path.iterdir())


@pytest.fixture
def full_disk() -> Iterator[None]:
    """Files of this process cannot grow beyond 100 kB."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_full_disk_gives_one_clear_line(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    path = written(tmp_path / "x.wav", music(), music())
    request.getfixturevalue("full_disk")
    with pytest.raises(AudioError) as caught:
        read_stereo(path, RATE_HZ)
    assert caught.value.reason == "no room"
    assert str(caught.value).startswith(f"{path}: no room for its sound in ")
    assert "TMPDIR" in str(caught.value) and "\n" not in str(caught.value)
