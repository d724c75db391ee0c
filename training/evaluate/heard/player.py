"""Loads sounds onto decks and plays them through the server's engine, as ``--output wav``."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import soundfile

from export.audio.arrays import Floats
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

BLOCK_FRAMES = 16

Settings = Mapping[str, float]
"""Control values by address."""

UNITY: Settings = {"/level": 0.0, "/interp/align": 0.0}
"""Sounds at the decks' own levels, two decks side by side in time, as they are compared."""


class Player:
    """One bundle's engine and encoder on the CPU.

    Raises:
        RuntimeUnavailable: a graph does not load.
    """

    def __init__(self, bundle: Bundle, seed: int, threads: int = 1) -> None:
        options = RuntimeOptions(device="cpu", threads=threads)
        self.bundle = bundle
        self._seed = seed
        self._table = control_table(bundle.manifest.style_dims)
        self._session = OrtDecoderSession(bundle, options)
        self._encoder = DeckEncoder(graphs_of(bundle), options)

    @property
    def sample_rate_hz(self) -> int:
        """The rate of everything played."""
        return self.bundle.manifest.sample_rate_hz

    def deck(self, name: str, stereo: Floats, rate_hz: int) -> DeckData:
        """Load a sound (2, T) onto a deck, from a file as users do.

        Raises:
            AudioError: it is too short, or silent.
        """
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            soundfile.write(file.name, stereo.T, rate_hz, subtype="FLOAT")
            return replace(self._encoder.encode(file.name), name=name)

    def begin(self, decks: Mapping[str, DeckData], settings: Settings) -> Performance:
        """Start to play ``decks`` ("a" to "d") from their beginning; ends the one before."""
        desk = Desk(self._table, playing=True)
        self._session.reset()
        performance = Performance(
            Engine(self.bundle.manifest, self.bundle.latents, self._session, desk, self._seed), desk
        )
        return performance.begun(decks, {**UNITY, **settings})

    def play(self, decks: Mapping[str, DeckData], settings: Settings, seconds: float) -> Floats:
        """The first ``seconds`` of decks, (2, T), without the latency."""
        return self.begin(decks, settings).render(seconds)


class Performance:
    """An engine at work, whose controls may be turned between two stretches."""

    def __init__(self, engine: Engine, desk: Desk) -> None:
        self._engine = engine
        self._desk = desk
        self._left = np.zeros((2, 0), np.float32)

    def begun(self, decks: Mapping[str, DeckData], settings: Settings) -> Performance:
        """Load the decks, set the controls, and drop the latency."""
        for name, deck in decks.items():
            self._engine.put_deck(name, deck)
        self.turn(settings)
        self._next(self._engine.manifest.latency_samples)
        return self

    def turn(self, settings: Settings) -> None:
        """Set controls; they glide as they do live."""
        self._desk.apply([SetControl(address, (value,)) for address, value in settings.items()])

    def render(self, seconds: float) -> Floats:
        """The next ``seconds``, (2, T)."""
        return self._next(round(seconds * self._engine.manifest.sample_rate_hz))

    def _next(self, samples: int) -> Floats:
        parts, size = [self._left], self._left.shape[1]
        while size < samples:
            parts.append(self._engine.render(BLOCK_FRAMES))
            size += parts[-1].shape[1]
        sound = np.concatenate(parts, axis=1)
        self._left = sound[:, samples:]
        return sound[:, :samples]
