"""A store of short pieces whose files are stereo at twice the model's rate, and a player."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests import mini_bundle
from tests.training.made_up_store import notes
from training.evaluate.context import EvaluationContext
from training.evaluate.evaluated_model import EvaluatedModel
from training.evaluate.heard import time
from training.evaluate.heard.listening import Listening
from training.evaluate.heard.player import Player
from training.measures.bundle_voice import BundleVoice
from training.report.media_writer import MediaWriter
from training.store.index import StoredRecording
from training.store.store import Store, to_int16
from training.store.writer import StoreWriter

RATE_HZ = mini_bundle.RATE_HZ
FILE_RATE_HZ = 2 * RATE_HZ
SECONDS = 5.0

PIECES = (
    ("set/one.wav", 1, 0.3, None),
    ("set/two.wav", 2, 0.9, None),
    ("set/soft.wav", 3, 0.3, "piece"),
    ("set/hard.wav", 3, 0.9, "piece"),
)


@pytest.fixture(scope="session")
def heard_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two held-out recordings, and one piece by two instruments: 5 s each."""
    folder = tmp_path_factory.mktemp("heard") / "store"
    with StoreWriter(folder, RATE_HZ, -23.0) as writer:
        for name, seed, brightness, piece in PIECES:
            recording = StoredRecording(name, 0, 0, 0.0, "heldout", score=piece, instrument=name)
            writer.append(recording, to_int16(notes(seed, SECONDS, brightness)))
    return folder


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the store, each with other noise in either channel."""
    folder = tmp_path_factory.mktemp("sources")
    (folder / "set").mkdir()
    for seed, (name, *_) in enumerate(PIECES):
        random = np.random.default_rng(seed)
        sound = 0.1 * random.standard_normal((int(SECONDS * FILE_RATE_HZ), 2))
        soundfile.write(folder / name, sound, FILE_RATE_HZ, subtype="FLOAT")
    return folder


@pytest.fixture(scope="session")
def player() -> Player:
    """Plays the mini bundle that gives spectra."""
    return Player(mini_bundle.spectra_bundle(), seed=0)


@pytest.fixture(autouse=True)
def few_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loop less often: seconds instead of minutes, on the same path."""
    monkeypatch.setattr(time, "PASSES", 12)


@pytest.fixture
def context(heard_store: Path, tmp_path: Path) -> EvaluationContext:
    """One clip of a second, from the store's own sound."""
    voice = BundleVoice(mini_bundle.spectra_bundle())
    return EvaluationContext(
        model=EvaluatedModel(voice, voice.bundle.latents, {}, weights=None),
        store=Store.open(heard_store),
        media=MediaWriter(tmp_path, RATE_HZ),
        split="heldout",
        clips=1,
        seconds=1.0,
        shown=1,
        seed=0,
    )


@pytest.fixture
def listening(context: EvaluationContext, player: Player) -> Listening:
    """What questions are asked of."""
    return Listening(context, player)
