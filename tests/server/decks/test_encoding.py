"""Encoding files to decks: windows are joined, every bad file is refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from export.audio.errors import AudioError
from export.audio.sequence import Encoded, crossfade_windows, structure_track
from server.decks.encoding import DeckEncoder
from server.decks.graphs import graphs_of
from server.engine.deck import DeckData
from server.engine.runtime import RuntimeOptions
from tests import mini_bundle

RATE, TICK = mini_bundle.RATE_HZ, mini_bundle.TICK_FRAMES * mini_bundle.HOP
Write = Callable[..., Path]


@pytest.fixture(scope="module")
def encoder() -> DeckEncoder:
    bundle = mini_bundle.bundle()
    return DeckEncoder(graphs_of(bundle), RuntimeOptions("cpu"))


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(name: str, samples: np.ndarray, rate_hz: int = RATE) -> Path:
        soundfile.write(tmp_path / name, samples, rate_hz, subtype="PCM_16")
        return tmp_path / name

    return written


def noise(seconds: float, rate_hz: int = RATE, channels: int = 1) -> np.ndarray:
    generator = np.random.default_rng(1)
    return 0.1 * generator.standard_normal((round(seconds * rate_hz), channels)).clip(-3, 3)


def encode(encoder: DeckEncoder, path: Path) -> DeckData:
    return encoder.encode(path)


def test_a_file_becomes_a_deck_of_the_same_length(encoder: DeckEncoder, write: Write) -> None:
    shares: list[float] = []
    path = write("piece.wav", noise(2.0))
    deck = encoder.encode(path, shares.append)
    assert deck.name == "piece"
    assert deck.seconds == pytest.approx(2.0)
    assert deck.structure.shape == (mini_bundle.STRUCTURE_DIMS, 2 * RATE // TICK)
    assert deck.structure.dtype == np.float32
    windows = len(deck.style_track)
    assert windows == len(shares) == len(deck.style_ticks)
    assert shares[-1] == 1.0
    np.testing.assert_allclose(deck.style_mean, deck.style_track.mean(axis=0), rtol=1e-5)
    assert (np.diff(deck.style_ticks) > 0).all()


def test_structure_follows_loud_and_quiet_passages(encoder: DeckEncoder, write: Write) -> None:
    samples = noise(2.0)
    samples[: RATE // 2] *= 0.01
    samples[-RATE // 2 :] *= 0.01
    deck = encode(encoder, write("burst.wav", samples))
    levels = deck.structure[0]
    quarter = len(levels) // 4
    assert levels[: quarter - 2].max() < 0.1 * levels[quarter + 2 : -quarter - 2].min()
    assert levels[-quarter + 3 :].max() < 0.1 * levels[quarter + 2 : -quarter - 2].min()


def test_structure_ignores_loudness_and_the_deck_keeps_the_gain(
    encoder: DeckEncoder, write: Write
) -> None:
    quiet, loud = (encode(encoder, write(f"{g}.wav", g * noise(2.0))) for g in (0.1, 1.0))
    np.testing.assert_allclose(quiet.structure, loud.structure, rtol=0.05)
    assert quiet.gain_db - loud.gain_db == pytest.approx(20, abs=0.1)


@pytest.mark.parametrize(("rate_hz", "channels"), [(8_000, 1), (44_100, 8), (192_000, 2)])
def test_any_sample_rate_and_number_of_channels_is_accepted(
    encoder: DeckEncoder, write: Write, rate_hz: int, channels: int
) -> None:
    deck = encode(encoder, write("odd.wav", noise(1.0, rate_hz, channels), rate_hz))
    assert deck.seconds == pytest.approx(1.0, abs=1e-3)


def test_a_file_shorter_than_a_clip_keeps_its_own_length() -> None:
    clip_ticks = mini_bundle.CLIP_TICKS
    manifest = mini_bundle.manifest()
    windows = [Encoded(0, np.zeros(1, np.float32), np.ones((2, clip_ticks), np.float32))]
    assert structure_track(windows, 10 * TICK + 5, manifest).shape == (2, 10)


def test_without_structure_the_code_of_one_clip_repeats() -> None:
    manifest = mini_bundle.manifest(has_structure=False)
    code = np.random.default_rng(0).standard_normal((3, mini_bundle.CLIP_TICKS)).astype("f4")
    windows = [Encoded(tick, np.zeros(1, np.float32), code) for tick in (0, 8, 16, 19)]
    ticks = 19 + mini_bundle.CLIP_TICKS
    laid = structure_track(windows, ticks * TICK, manifest)
    np.testing.assert_array_equal(laid, np.resize(code.T, (ticks, 3)).T)


@pytest.mark.parametrize("starts", [[0], [0, 8], [0, 8, 16, 19], [0, 8, 9]])
def test_windows_of_one_track_join_to_the_same_track(starts: list[int]) -> None:
    ticks = starts[-1] + 16
    track = np.random.default_rng(0).standard_normal((3, ticks)).astype(np.float32)
    windows = [Encoded(s, np.zeros(1, np.float32), track[:, s : s + 16]) for s in starts]
    np.testing.assert_allclose(crossfade_windows(windows, ticks), track, atol=1e-6)


def test_windows_that_differ_are_crossfaded_linearly() -> None:
    windows = [
        Encoded(0, np.zeros(1, np.float32), np.zeros((1, 16), np.float32)),
        Encoded(8, np.zeros(1, np.float32), np.ones((1, 16), np.float32)),
    ]
    laid = crossfade_windows(windows, 24)[0]
    assert not laid[:8].any()
    np.testing.assert_allclose(laid[8:16], (np.arange(8) + 0.5) / 8, atol=1e-6)
    np.testing.assert_array_equal(laid[16:], 1)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: folder / "none.wav", "no such file"),
        (lambda folder: _file(folder, b""), "empty"),
        (lambda folder: _file(folder, b"RIFF no sound"), "cannot be read as audio"),
        (lambda folder: _sound(folder, np.zeros(RATE)), "silent"),
        (lambda folder: _sound(folder, noise(0.2)), "0.20 s"),
        (lambda folder: folder, "not a file"),
    ],
)
def test_a_bad_file_is_refused_by_name(
    encoder: DeckEncoder, tmp_path: Path, make: Callable[[Path], Path], words: str
) -> None:
    path = make(tmp_path)
    with pytest.raises(AudioError, match=words) as caught:
        encoder.encode(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def _file(folder: Path, data: bytes) -> Path:
    (folder / "bad.wav").write_bytes(data)
    return folder / "bad.wav"


def _sound(folder: Path, samples: np.ndarray) -> Path:
    soundfile.write(folder / "bad.wav", samples, RATE)
    return folder / "bad.wav"


def test_a_deck_keeps_the_beats_of_its_file(encoder: DeckEncoder, write: Write) -> None:
    samples = np.zeros(round(8 * RATE))
    burst = np.exp(-np.arange(400) / 80) * noise(400 / RATE)[:, 0]
    for start_s in np.arange(0.25, 8 - 0.1, 0.5):
        samples[round(start_s * RATE) :][:400] += 4 * burst
    beats = encoder.encode(write("clicks.wav", samples)).beats
    assert beats is not None
    assert beats.tempo_bpm == pytest.approx(120, abs=0.3)
    assert beats.first_beat_s == pytest.approx(0.25, abs=0.025)
    assert encoder.encode(write("rain.wav", noise(8.0))).beats is None
