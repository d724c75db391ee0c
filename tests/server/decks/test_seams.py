"""Windows of a long file are joined without seams: a chord and a sweep, with the real encoder.

Seams would show as larger steps at the windows' borders than elsewhere, of structure from tick to
tick or of the decoded level.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile

from export.bundle.format import Bundle
from server.controls.desk import Desk
from server.controls.events import SetControl
from server.controls.table import control_table
from server.decks.encoding import DeckEncoder
from server.decks.graphs import graphs_of
from server.engine.deck import DeckData
from server.engine.engine import Engine
from server.engine.runtime import RuntimeOptions
from server.engine.session import OrtDecoderSession
from server.models.default import open_bundle

CLIPS = 3
"""The files' length in clips: five windows that overlap by half."""

BLOCK_FRAMES = 4

LEVEL_SLACK = 1.1
"""The decoded sweep is loudest where it meets a mel band, also at a border: equal maxima."""


@cache
def bundle() -> Bundle:
    return open_bundle(None)


def held_chord(seconds: np.ndarray) -> np.ndarray:
    tones = [np.sin(2 * np.pi * hz * seconds) for hz in (220.0, 277.18, 329.63)]
    return 0.07 * np.sum(tones, axis=0)


def sweep(seconds: np.ndarray) -> np.ndarray:
    """Three octaves from 150 Hz, evenly in pitch."""
    rate = np.log(8) / seconds[-1]
    return np.asarray(0.2 * np.sin(2 * np.pi * 150 * np.expm1(rate * seconds) / rate))


@pytest.fixture(scope="module", params=[held_chord, sweep], ids=["held chord", "sweep"])
def deck(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> DeckData:
    manifest = bundle().manifest
    seconds = np.arange(CLIPS * manifest.clip_samples) / manifest.sample_rate_hz
    path: Path = tmp_path_factory.mktemp("seams") / "sound.wav"
    soundfile.write(path, request.param(seconds), manifest.sample_rate_hz)
    return DeckEncoder(graphs_of(bundle()), RuntimeOptions("cpu")).encode(path)


def borders(deck: DeckData) -> np.ndarray:
    """Ticks at which a window begins or ends, without the file's own ends."""
    clip = bundle().manifest.clip_ticks
    starts = np.round(deck.style_ticks - (clip - 1) / 2).astype(int)
    return np.setdiff1d(np.concatenate([starts, starts + clip]), [0, deck.ticks])


def at_borders_and_elsewhere(steps: np.ndarray, ticks: np.ndarray) -> tuple[float, float]:
    """The largest step (K-1,) from tick to tick within one of the borders, and of the others."""
    near = np.concatenate([ticks - 2, ticks - 1, ticks])
    inside = np.arange(8, len(steps) - 8)  # how a sound begins and ends is no seam
    elsewhere = np.setdiff1d(inside, near)
    return float(steps[near].max()), float(steps[elsewhere].max())


def test_structure_takes_no_larger_steps_at_window_borders(deck: DeckData) -> None:
    ticks = borders(deck)
    assert len(ticks) == 2 * CLIPS - 1
    steps = np.linalg.norm(np.diff(deck.structure, axis=1), axis=0)
    at_borders, elsewhere = at_borders_and_elsewhere(steps, ticks)
    assert at_borders <= elsewhere


def test_the_decoded_level_takes_no_larger_steps_at_window_borders(deck: DeckData) -> None:
    manifest = bundle().manifest
    desk = Desk(control_table(manifest.style_dims), playing=True)
    desk.apply([SetControl("/level", (0.0,)), SetControl("/detail", (0.0,))])
    session = OrtDecoderSession(bundle(), RuntimeOptions("cpu"), BLOCK_FRAMES)
    engine = Engine(manifest, bundle().latents, session, desk)
    engine.put_deck("a", deck)
    blocks = deck.ticks * manifest.frames_per_tick // BLOCK_FRAMES
    audio = np.concatenate([engine.render(BLOCK_FRAMES)[0] for _ in range(blocks)])
    ticks = audio[manifest.latency_samples :]
    whole = len(ticks) // manifest.tick_samples
    powers = (ticks[: whole * manifest.tick_samples].reshape(whole, -1) ** 2).mean(axis=1)
    steps = np.abs(np.diff(10 * np.log10(powers)))
    at_borders, elsewhere = at_borders_and_elsewhere(steps, borders(deck))
    assert at_borders <= LEVEL_SLACK * elsewhere
