"""An engine that plays made-up music with detail, on the grid of the preset ``small``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from export.audio.arrays import Floats
from server.controls.desk import Desk
from server.controls.events import SetControl
from server.controls.table import control_table
from server.engine.deck import FULL_SCALE, DeckData, Recording
from server.engine.engine import Engine
from server.engine.magnitudes import log_magnitudes, smoothed
from server.engine.playhead import DeckReading, read_loop, ticks_at
from server.engine.spectra import Grid
from tests import mini_bundle
from tests.server.fakes import FakeSpectraSession

RATE, HOP, WINDOW, SPECTRUM_HOP, TICK_FRAMES, TICKS = 22_050, 512, 1024, 256, 2, 64
MANIFEST = mini_bundle.spectra_manifest(
    sample_rate_hz=RATE,
    hop_samples=HOP,
    clip_samples=16 * TICK_FRAMES * HOP,
    input_samples=16 * TICK_FRAMES * HOP + mini_bundle.CONTEXT,
    window_samples=WINDOW,
    spectrum_bins=WINDOW // 2 + 1,
    latency_samples=(WINDOW - SPECTRUM_HOP) // 2,
)
GRID = Grid.of(MANIFEST)
LATENTS = mini_bundle.bundle().latents
FRAMES = TICKS * TICK_FRAMES
SAMPLES = FRAMES * HOP
BLOCK = 16
USUAL_BLOCKS = (1, 3, 8, 64)


@cache
def music(seed: int, samples: int = SAMPLES) -> Recording:
    """A loop of decaying notes, each with its overtones and its place between left and right."""
    random = np.random.default_rng(seed)
    sound = np.zeros((samples, 2))
    for start in range(0, samples, RATE // 6):
        length = RATE // 2
        time_s = np.arange(length) / RATE
        pitch_hz, decay_s, side = random.uniform(80, 900), random.uniform(0.1, 0.4), random.random()
        tones = [
            np.sin(2 * np.pi * (n * pitch_hz * time_s + random.random())) / n for n in range(1, 9)
        ]
        note = sum(tones) * np.exp(-time_s / decay_s) * np.minimum(time_s / 0.005, 1)
        note += 0.1 * random.standard_normal(length) * np.exp(-time_s / 0.03)
        sound[(start + np.arange(length)) % samples] += np.outer(note, [1 - side, side])
    hiss = random.standard_normal(sound.shape)
    return recording_of(0.1 * sound / sound.std() + 3e-4 * hiss)


def recording_of(sound: np.ndarray) -> Recording:
    """A recording of sound (T, 2)."""
    return Recording(np.round(np.clip(sound, -1, 1) * FULL_SCALE).astype(np.int16))


def deck(
    seed: int,
    session: FakeSpectraSession | None = None,
    recording: Recording | None = None,
    *,
    style: float = 0.3,
) -> DeckData:
    """A deck of music, encoded and with the decoder's own magnitudes."""
    session = session or FakeSpectraSession(MANIFEST)
    recording = recording or music(seed)
    mean = (style * np.random.default_rng((seed, 1)).standard_normal(4)).astype(np.float32)
    power = np.exp(2 * (_log_magnitudes(recording) - mean @ session.shapes))
    bands = session.bands / session.bands.sum(axis=1, keepdims=True)
    ticks = power.reshape(-1, TICK_FRAMES * GRID.per_frame, GRID.bins).mean(axis=1)
    structure = np.log(bands @ ticks.T) / 2 / session.nepers
    made = DeckData(
        name=f"deck {seed}",
        style_mean=mean,
        style_track=mean[None],
        style_ticks=np.zeros(1, np.float32),
        structure=np.ascontiguousarray(structure, np.float32),
        gain_db=0.0,
        seconds=recording.samples / RATE,
        recording=recording,
        mean_spectrum=mean_spectrum(recording),
    )
    return replace(made, reference=_reference(made, session))


def unencoded(seed: int) -> DeckData:
    """The same deck before it is encoded: its recording alone."""
    encoded = deck(seed)
    return replace(
        encoded,
        reference=None,
        mean_spectrum=None,
        is_encoded=False,
        structure=np.zeros_like(encoded.structure),
        style_mean=np.zeros_like(encoded.style_mean),
        style_track=np.zeros_like(encoded.style_track),
    )


def spectra_of(sound: np.ndarray, hop: int = SPECTRUM_HOP) -> np.ndarray:
    """Short-time spectra (L, F) of sound (T,)."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::hop]
    return np.asarray(np.fft.rfft(frames * GRID.hann, axis=1))


def _log_magnitudes(recording: Recording) -> Floats:
    """Log magnitudes (L, F) of the middle of a loop, by the grid."""
    mid = recording.pcm.mean(axis=1) / FULL_SCALE
    around = np.roll(np.tile(mid, 2), WINDOW // 2 - SPECTRUM_HOP // 2)[: len(mid) + WINDOW]
    spectra = spectra_of(around)[: len(mid) // SPECTRUM_HOP]
    return log_magnitudes(spectra.astype(np.complex64))


def mean_spectrum(recording: Recording) -> Floats:
    """Mean log magnitudes (F,) of the louder spectra of a loop, smoothed."""
    log = _log_magnitudes(recording)
    power = np.exp(2 * log).sum(axis=1)
    return smoothed(log[power > 0.1 * power.max()].mean(axis=0)[None])[0]


@dataclass(frozen=True)
class _WholeLoop:
    """The places of all frames of a loop."""

    size: int

    def on(self, deck_ticks: int, beats: object = None) -> DeckReading:
        return DeckReading(ticks_at(np.arange(float(self.size)), TICK_FRAMES))


def _reference(made: DeckData, session: FakeSpectraSession) -> np.ndarray:
    frames = made.ticks * TICK_FRAMES
    structure = read_loop(made.structure, _WholeLoop(frames))
    style = np.repeat(made.style_mean[:, None], frames, axis=1)
    noise = np.zeros((GRID.bins, frames * GRID.per_frame), np.float32)
    return session.step(style, structure, noise).log_magnitude.astype(np.float16)


class DetailRig:
    """An engine with decks that have detail, at level 0 dB."""

    def __init__(self, *decks: DeckData, session: FakeSpectraSession | None = None) -> None:
        self.desk = Desk(control_table(mini_bundle.STYLE_DIMS), playing=True)
        self.session = session or FakeSpectraSession(MANIFEST)
        self.engine = Engine(MANIFEST, LATENTS, self.session, self.desk)
        self.set("/level", 0.0)
        for name, one in zip("abcd", decks, strict=False):
            self.engine.put_deck(name, one)

    def set(self, address: str, *values: float) -> None:
        self.desk.apply([SetControl(address, values)])

    def play(self, frames: int, blocks: Sequence[int] = (BLOCK,)) -> np.ndarray:
        """The next frames (2, T), in blocks of these sizes, over and over."""
        parts, left, turn = [], frames, 0
        while left:
            size = min(blocks[turn % len(blocks)], left)
            parts.append(self.engine.render(size))
            left, turn = left - size, turn + 1
        return np.concatenate(parts, axis=1)


def original(*decks: DeckData, frames: int) -> np.ndarray:
    """The recordings themselves through the same output stage: all of them bypassed."""
    rig = DetailRig(*decks)
    for name, _ in zip("abcd", decks, strict=False):
        rig.set(f"/deck/{name}/bypass", 1)
    return rig.play(frames)


def level_db(sound: np.ndarray) -> float:
    """Root mean square in dB."""
    return float(10 * np.log10(np.square(sound, dtype=np.float64).mean()))


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """How unlike two sounds (2, T) are: the error's share of the level, 0 where they are equal."""
    return float(np.sqrt(np.square(one - other).mean() / np.square(other).mean()))


def spectral_distance(one: np.ndarray, other: np.ndarray) -> float:
    """Mean difference of the log magnitudes of two sounds (2, T), in nepers."""
    logs = [np.log(np.abs(spectra_of(sound.mean(axis=0))) + 1e-3) for sound in (one, other)]
    return float(np.abs(logs[0] - logs[1]).mean())
