"""Reading awkward recordings, and the encoder's windows over them."""

from __future__ import annotations

import pickle
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from export.audio import loudness
from export.audio import model_input as audio
from export.audio.arrays import Floats
from export.audio.errors import REASONS, AudioError
from export.audio.model_input import (
    cut_window,
    normalise_loudness,
    read_mono,
    repeat_to,
    window_starts,
    windows,
)

RATE_HZ = 22_050


def tone(seconds: float, rate_hz: int = RATE_HZ, hz: float = 440.0, level: float = 0.3) -> Floats:
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    return (level * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)


def peak_hz(samples: Floats, rate_hz: int) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(samples))) * rate_hz / samples.size)


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 44_100, 48_000, 192_000])
def test_any_sample_rate_is_resampled_to_the_models_rate(tmp_path: Path, rate_hz: int) -> None:
    path = tmp_path / "tone.wav"
    soundfile.write(path, tone(1.0, rate_hz), rate_hz)
    samples = read_mono(path, RATE_HZ)
    assert samples.dtype == np.float32
    assert abs(samples.size - RATE_HZ) <= 1
    assert peak_hz(samples, RATE_HZ) == pytest.approx(440, abs=2)


def test_a_truncated_mp3_is_as_long_as_its_remaining_data(tmp_path: Path) -> None:
    """The header gives the full length; the last block must not be repeated to fill it."""
    whole, half = tmp_path / "whole.mp3", tmp_path / "half.mp3"
    swell = tone(8.0, 44_100) * np.linspace(0.0, 1.0, 8 * 44_100, dtype=np.float32)
    soundfile.write(whole, swell, 44_100)
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    samples = read_mono(half, 44_100)
    assert 3.5 < samples.size / 44_100 < 4.5
    np.testing.assert_allclose(samples, read_mono(whole, 44_100)[: samples.size], atol=0.02)


def make_bad(path: Path, kind: str) -> None:
    """Write a bad file of a kind that musicians' folders really contain."""
    if kind == "empty file":
        path.touch()
    elif kind == "empty wav":
        soundfile.write(path, np.zeros(0, np.float32), RATE_HZ)
    elif kind == "text":
        path.write_text("this is no audio\n" * 50)
    elif kind == "cut header":
        soundfile.write(path, tone(1.0), RATE_HZ)
        path.write_bytes(path.read_bytes()[:20])
    elif kind == "short":
        soundfile.write(path, tone(0.2), RATE_HZ)
    elif kind in ("nan", "infinite"):
        samples = tone(1.0)
        samples[500] = np.nan if kind == "nan" else np.inf
        soundfile.write(path, samples, RATE_HZ, subtype="FLOAT")
    elif kind == "folder":
        path.mkdir()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("absent", "missing"),
        ("folder", "missing"),
        ("empty file", "empty"),
        ("empty wav", "empty"),
        ("text", "corrupt"),
        ("cut header", "corrupt"),
        ("short", "too short"),
        ("nan", "not finite"),
        ("infinite", "not finite"),
    ],
)
def test_an_unusable_file_is_refused_in_one_line_with_its_name(
    tmp_path: Path, kind: str, reason: str
) -> None:
    path = tmp_path / "the song.wav"
    make_bad(path, kind)
    with pytest.raises(AudioError) as caught:
        read_mono(path, RATE_HZ)
    assert caught.value.reason == reason
    assert reason in REASONS
    assert "the song.wav" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_absurd_sample_rate_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "slow.wav"
    soundfile.write(path, tone(1.0), 100)
    with pytest.raises(AudioError, match="100 Hz"):
        read_mono(path, RATE_HZ)


def test_the_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(AudioError("silent", "no sound")))
    assert (error.reason, str(error)) == ("silent", "no sound")


def test_the_loudness_of_a_sine_matches_the_standard() -> None:
    # BS.1770-4: 997 Hz at 0 dBFS in one channel reads -3.01 LUFS.
    _, gain_db = normalise_loudness(tone(5.0, 48_000, 997.0, level=1.0), 48_000)
    assert gain_db == pytest.approx(-23.0 + 3.01, abs=0.05)


def test_the_gain_returned_is_the_gain_applied() -> None:
    samples = tone(2.0, level=0.01)
    louder, gain_db = normalise_loudness(samples, RATE_HZ)
    np.testing.assert_allclose(louder, samples * 10 ** (gain_db / 20), rtol=1e-4)


def test_a_lone_click_over_quiet_sound_is_not_clipped() -> None:
    samples = tone(3.0, level=0.003)
    samples[20_000] = 0.9
    louder, gain_db = normalise_loudness(samples, RATE_HZ)
    assert np.abs(louder).max() <= 1.0
    np.testing.assert_allclose(louder, samples * 10 ** (gain_db / 20), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("level", [0.0, 1e-6])
def test_silence_is_refused(level: float) -> None:
    with pytest.raises(AudioError) as caught:
        normalise_loudness(tone(1.0, level=level), RATE_HZ)
    assert caught.value.reason == "silent"


def test_a_recording_too_short_for_the_loudness_gate_is_refused() -> None:
    with pytest.raises(AudioError) as caught:
        normalise_loudness(tone(0.3), RATE_HZ)
    assert caught.value.reason == "too short"


@pytest.mark.parametrize("length", [1, 99, 100, 101, 149, 150, 151, 200, 1000, 1007])
@pytest.mark.parametrize("grid", [1, 4, 10])
def test_windows_cover_the_recording_and_start_on_the_grid(length: int, grid: int) -> None:
    clip = 100
    starts = window_starts(length, clip, grid)
    assert starts[0] == 0
    assert starts == sorted(set(starts))
    assert all(start % grid == 0 for start in starts)
    assert all(b - a <= clip // 2 for a, b in pairwise(starts))
    assert starts[-1] + clip <= max(length, clip)
    assert max(length, clip) - (starts[-1] + clip) < grid


def test_a_short_source_is_repeated_end_to_end() -> None:
    samples = np.arange(30, dtype=np.float32)
    repeated = repeat_to(samples, 100)
    assert repeated.size == 100
    np.testing.assert_array_equal(repeated, np.arange(100) % 30)
    assert repeat_to(samples, 20) is samples


def test_repeating_no_samples_is_refused() -> None:
    with pytest.raises(AudioError):
        repeat_to(np.zeros(0, np.float32), 100)


def test_context_beyond_the_ends_is_a_reflection_of_the_recording() -> None:
    samples = np.arange(400, dtype=np.float32)
    inner = cut_window(samples, 200, 100, 40)
    np.testing.assert_array_equal(inner, np.arange(180, 320))
    first = cut_window(samples, 0, 100, 40)
    np.testing.assert_array_equal(first[:20], np.arange(20, 0, -1))
    last = cut_window(samples, 300, 100, 40)
    np.testing.assert_array_equal(last[-20:], np.arange(398, 378, -1))


@pytest.mark.parametrize("length", [40, 100, 333, 1000])
def test_every_window_has_the_encoders_length(length: int) -> None:
    samples = np.arange(length, dtype=np.float32)
    made = list(windows(samples, 100, 36, 4))
    assert [window.start_samples for window in made] == window_starts(max(length, 100), 100, 4)
    assert {window.samples.size for window in made} == {136}
    for window in made:
        clip = repeat_to(samples, 100)[window.start_samples :][:100]
        np.testing.assert_array_equal(window.samples[18:-18], clip)


def test_loudness_measured_in_pieces_equals_that_of_the_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Loud, quiet and silent parts make both gates matter, in pieces of any length."""
    random = np.random.default_rng(8)
    levels = np.repeat([0.3, 0.001, 0.0, 0.1, 0.02, 0.2], 7 * RATE_HZ)
    samples = (levels * random.standard_normal(levels.size)).clip(-1, 1).astype(np.float32)
    _, whole_db = audio.normalise_loudness(samples, RATE_HZ)
    for piece_s in (5.0, 7.3, 41.9):
        monkeypatch.setattr(loudness, "_PIECE_S", piece_s)
        _, gain_db = audio.normalise_loudness(samples, RATE_HZ)
        assert gain_db == pytest.approx(whole_db, abs=1e-3)
    with pytest.raises(AudioError, match="silent"):
        audio.normalise_loudness(np.zeros(50 * RATE_HZ, np.float32), RATE_HZ)


@pytest.mark.parametrize("rate_hz", [RATE_HZ, 44_100, 8_000])
def test_a_capture_gives_the_same_samples_as_a_file_of_it(tmp_path: Path, rate_hz: int) -> None:
    samples = 0.1 * np.random.default_rng(9).standard_normal(3 * rate_hz).astype(np.float32)
    soundfile.write(tmp_path / "x.wav", samples, rate_hz, subtype="FLOAT")
    read = audio.read_mono(tmp_path / "x.wav", RATE_HZ)
    taken = audio.take_stereo(audio.Captured("x", samples, rate_hz), RATE_HZ).mono()
    np.testing.assert_allclose(taken, read, atol=1e-6)
