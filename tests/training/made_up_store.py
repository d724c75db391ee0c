"""A store of synthetic music: a few seconds of notes, some played by two instruments."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.store.index import StoredRecording
from training.store.store import Store, to_int16
from training.store.writer import StoreWriter

RATE_HZ = 16_000


def notes(seed: int, seconds: float, brightness: float) -> NDArray[np.float32]:
    """Decaying harmonic notes, a quarter of a second each; same seed, same notes."""
    random = np.random.default_rng(seed)
    time_s = np.arange(int(RATE_HZ / 4)) / RATE_HZ
    parts = []
    for _ in range(int(seconds * 4)):
        pitch_hz = 110 * 2 ** (random.integers(0, 25) / 12)
        harmonics = sum(
            brightness**order * np.sin(2 * np.pi * pitch_hz * order * time_s)
            for order in range(1, 6)
        )
        parts.append(0.1 * harmonics * np.exp(-6 * time_s))
    return np.concatenate(parts).astype(np.float32)


def make_store(folder: Path, seconds: float = 6.0, heldout: bool = True) -> Store:
    """Two recordings and one score by two instruments to train on, and one recording held out."""
    pieces = [
        ("one.wav", 1, 0.5, "train", None, None),
        ("two.wav", 2, 0.9, "train", None, None),
        ("score-soft.wav", 3, 0.3, "train", "score", "soft"),
        ("score-hard.wav", 3, 0.95, "train", "score", "hard"),
        ("away.wav", 4, 0.7, "heldout" if heldout else "train", None, None),
    ]
    with StoreWriter(folder, RATE_HZ, -23.0) as writer:
        for name, seed, brightness, split, score, instrument in pieces:
            recording = StoredRecording(name, 0, 0, 0.0, split, score=score, instrument=instrument)
            writer.append(recording, to_int16(notes(seed, seconds, brightness)))
    return Store.open(folder)
