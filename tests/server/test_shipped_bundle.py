"""The shipped bundle plays two real recordings and interpolates between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile

from export.audio.model_input import normalise_loudness, read_mono
from export.bundle.format import Bundle
from model.config import PRESETS
from model.features import LogMelImage
from server.models.default import NAME, open_bundle
from server.program import main
from training.measures.metrics import log_mel_l1, mfcc_distance, spectral_distance

DATA = Path(__file__).parent.parent / "data"
POSITIONS = (0.0, 0.25, 0.5, 0.75, 1.0)
SECONDS = 5.0
LARGEST_BYTES = 40_000_000
PAIRS = [("solo_trumpet", "party_sector"), ("ninth_circle", "solo_trumpet")]


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return open_bundle(None)


def render(out: Path, pair: tuple[str, str], position: float, *sets: str) -> Path:
    first, second = (str(DATA / f"{name}.ogg") for name in pair)
    arguments = ["--output", f"wav:{out}", "--seconds", str(SECONDS)]
    decks = ["--deck-a", first, "--deck-b", second]
    values = [part for one in (f"/interp={position}", *sets) for part in ("--set", one)]
    assert main([*arguments, *decks, *values]) == 0
    return out


@dataclass(frozen=True)
class Likeness:
    """The distances of one rendering to both recordings, in one measure."""

    to_a: float
    to_b: float

    @property
    def place(self) -> float:
        """The position between the recordings: 0 at A, 1 at B."""
        return self.to_a / (self.to_a + self.to_b)


def level(path: Path, rate_hz: int) -> np.ndarray:
    samples = read_mono(path, rate_hz)
    return normalise_loudness(samples[: int(SECONDS * rate_hz)], rate_hz)[0]


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_interpolation_moves_steadily_from_a_to_b(
    pair: tuple[str, str], bundle: Bundle, tmp_path: Path
) -> None:
    rate_hz = bundle.manifest.sample_rate_hz
    features = LogMelImage(PRESETS[bundle.manifest.preset].features)
    kinds: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
        "log-mel": lambda a, b: log_mel_l1(a, b, features),
        "mfcc": lambda a, b: mfcc_distance(a, b, rate_hz),
    }
    sources = [level(DATA / f"{name}.ogg", rate_hz) for name in pair]
    heard = [
        level(render(tmp_path / f"{position}.wav", pair, position), rate_hz)
        for position in POSITIONS
    ]
    for kind, distance in kinds.items():
        likeness = [Likeness(*(distance(source, sound) for source in sources)) for sound in heard]
        places = [one.place for one in likeness]
        assert likeness[0].to_a < likeness[0].to_b, f"{kind}: {likeness}"
        assert likeness[-1].to_b < likeness[-1].to_a, f"{kind}: {likeness}"
        assert places == sorted(places), f"{kind}: {places}"


def test_at_rest_a_deck_is_its_recording_in_stereo(tmp_path: Path) -> None:
    names = ("ninth_circle", "party_sector")
    left, right = (soundfile.read(DATA / f"{name}.ogg", dtype="float32")[0] for name in names)
    source = np.stack([0.7 * left + 0.3 * right, 0.3 * left + 0.7 * right], axis=1)
    recording, made = tmp_path / "stereo.wav", tmp_path / "made.wav"
    soundfile.write(recording, source, 44_100)
    output = ["--output", f"wav:{made}", "--seconds", str(SECONDS), "--set", "/level=0"]
    assert main(["--deck-a", str(recording), *output]) == 0
    heard, rate_hz = soundfile.read(made, dtype="float32")
    assert rate_hz == 44_100 and heard.shape == (round(SECONDS * rate_hz), 2)
    source = source[: len(heard)]
    source *= (heard * source).sum() / np.square(source).sum()
    middles = (sound.mean(axis=1) for sound in (source, heard))
    assert spectral_distance(*middles, 1e-3) < 0.05
    sides = [np.square(sound[:, 0] - sound[:, 1]).mean() for sound in (source, heard)]
    assert 10 * np.log10(sides[1] / sides[0]) == pytest.approx(0, abs=0.5)


def test_the_network_alone_is_mono(tmp_path: Path) -> None:
    heard, _ = soundfile.read(render(tmp_path / "x.wav", PAIRS[0], 0.0, "/detail=0"))
    assert np.abs(heard).max() > 0.01
    np.testing.assert_array_equal(heard[:, 0], heard[:, 1])


def test_the_same_call_gives_the_same_bits(tmp_path: Path) -> None:
    once, again = (render(tmp_path / name, PAIRS[0], 0.3) for name in ("a.wav", "b.wav"))
    assert once.read_bytes() == again.read_bytes()


def test_a_rendering_has_the_requested_length_and_is_not_silent(tmp_path: Path) -> None:
    pair = ("party_sector", "ninth_circle")
    samples, rate_hz = soundfile.read(render(tmp_path / "x.wav", pair, 0.5))
    assert len(samples) == round(SECONDS * rate_hz)
    quarters = np.array_split(samples, 4)
    assert all(np.sqrt(np.mean(part**2)) > 1e-3 for part in quarters)
    assert np.abs(samples).max() < 1


def test_attacks_keep_their_times(bundle: Bundle, tmp_path: Path) -> None:
    rate_hz, hop_samples = bundle.manifest.sample_rate_hz, 110
    pair = ("party_sector", "solo_trumpet")
    heard = level(render(tmp_path / "x.wav", pair, 0.0), rate_hz)
    source = level(DATA / "party_sector.ogg", rate_hz)[: len(heard)]
    strength, heard_strength = (
        librosa.onset.onset_strength(y=sound, sr=rate_hz, hop_length=hop_samples)
        for sound in (source, heard)
    )
    lags = np.arange(-30, 31)
    fit = [np.corrcoef(strength, np.roll(heard_strength, -lag))[0, 1] for lag in lags]
    late_ms = 1000 * int(lags[int(np.argmax(fit))]) * hop_samples / rate_hz
    assert max(fit) > 0.4
    assert abs(late_ms) <= 25, f"rendered {late_ms:.0f} ms late"


def test_the_bundle_is_small_and_documents_itself(bundle: Bundle) -> None:
    file = resources.files("server") / NAME
    with resources.as_file(file) as path:
        assert path.stat().st_size <= LARGEST_BYTES
    manifest = bundle.manifest
    assert len(bundle.decks) >= 6
    assert manifest.training["data"]
    assert manifest.licence
    assert len(manifest.attribution) > 10
    assert manifest.quality
    assert max(manifest.parity.values()) <= 1e-4
