"""Fakes for the engine and the outputs: further implementations of their protocols."""

from __future__ import annotations

import numpy as np

from export.audio.arrays import Floats
from export.bundle.beats import Beats
from export.bundle.format import Manifest
from server.engine.deck import DeckData, Recording
from server.engine.spectra import DecodedSpectra
from server.engine.structure_prior import SamplingNoise
from tests import mini_bundle


class FakeSession:
    """A sine whose pitch is the mean of style and whose level is the mean of structure.

    Keeps its inputs; ``fault`` is added to the audio of the steps in ``faulty``.
    """

    provider = "FakeExecutionProvider"

    def __init__(self, manifest: Manifest) -> None:
        self._hop = manifest.hop_samples
        self._spectra = manifest.spectra_per_frame
        self.styles: list[Floats] = []
        self.structures: list[Floats] = []
        self.resets = 0
        self.faulty: dict[int, float | Exception] = {}
        self.gain = 0.5
        self._phase = 0.0
        self._level = 0.0

    def step(self, style: Floats, structure: Floats, noise: Floats) -> Floats:
        frames = style.shape[1]
        assert structure.shape[1] == frames
        assert noise.shape[1] == frames * self._spectra
        fault = self.faulty.get(len(self.styles), 0.0)
        self.styles.append(style.copy())
        self.structures.append(structure.copy())
        if isinstance(fault, Exception):
            raise fault
        turns = np.repeat(0.02 + 0.01 * style.mean(axis=0, dtype=np.float64), self._hop)
        phases = self._phase + np.cumsum(turns)
        levels = np.concatenate([[self._level], structure.mean(axis=0)])
        gains = np.interp(
            np.arange(1, frames * self._hop + 1) / self._hop, np.arange(frames + 1), levels
        )
        self._phase, self._level = float(phases[-1] % 1), float(levels[-1])
        hiss = np.repeat(noise.mean(axis=0), self._hop // self._spectra)
        audio = self.gain * gains * np.sin(2 * np.pi * phases) + 1e-4 * hiss
        return np.asarray(audio[None] + fault, np.float32)

    def reset(self) -> None:
        self.resets += 1
        self._phase = self._level = 0.0

    @property
    def style(self) -> Floats:
        """All styles so far, (D, N)."""
        return np.concatenate(self.styles, axis=1)

    @property
    def structure(self) -> Floats:
        """All structure so far, (S, N)."""
        return np.concatenate(self.structures, axis=1)


class FakeSpectraSession:
    """A decoder of format 2: structure are the levels of bands, style tilts and shapes them.

    It has no memory. ``fault`` is added to the magnitudes of the steps in ``faulty``; with
    ``is_moved`` False it does not answer to style.
    """

    provider = "FakeExecutionProvider"
    nepers = 3.0
    """What one unit of structure raises its band by."""

    def __init__(self, manifest: Manifest, is_moved: bool = True) -> None:
        self._per_frame = manifest.spectra_per_frame
        bins = manifest.spectrum_bins
        place = np.linspace(0, 1, bins)
        corners = np.linspace(0, 1, manifest.structure_dims) ** 2
        eye = np.eye(manifest.structure_dims)
        self.bands = np.stack([np.interp(place, corners, row) for row in eye]).astype(np.float32)
        shapes = [np.cos(np.pi * n * place) for n in range(manifest.style_dims)]
        self.shapes = np.stack(shapes).astype(np.float32) * is_moved
        self._advance = 0.5 * np.sin(40 * place)
        self._spread = 0.2 + 1.5 * place
        self.steps = self.resets = 0
        self.faulty: dict[int, float] = {}

    def step(self, style: Floats, structure: Floats, noise: Floats) -> DecodedSpectra:
        frames = self.nepers * structure.T @ self.bands + style.T @ self.shapes
        log = np.repeat(frames, self._per_frame, axis=0) + self.faulty.get(self.steps, 0.0)
        self.steps += 1
        advance, spread = (
            np.broadcast_to(row.astype(np.float32), log.shape)
            for row in (self._advance, self._spread)
        )
        return DecodedSpectra(np.asarray(log, np.float32), advance, spread)

    def reset(self) -> None:
        self.resets += 1


class FakePrior:
    """Draws 2, 3, 4, ... in every dimension, or the next of ``faults``; keeps all it received."""

    def __init__(self) -> None:
        self.received: list[Floats] = []
        self.styles: list[Floats] = []
        self.temperatures: list[float] = []
        self.noise: list[SamplingNoise] = []
        self.resets = 0
        self.faulty: dict[int, float | Exception] = {}

    def draw_next(
        self, structure: Floats, style: Floats, temperature: float, noise: SamplingNoise
    ) -> Floats:
        fault = self.faulty.get(len(self.received))
        self.received.append(structure.copy())
        self.styles.append(style.copy())
        self.temperatures.append(temperature)
        self.noise.append(noise)
        if isinstance(fault, Exception):
            raise fault
        drawn = 1.0 + len(self.received) if fault is None else fault
        return np.full(structure.shape[0], drawn, np.float32)

    def reset(self) -> None:
        self.resets += 1


def fake_deck(
    name: str,
    style: float,
    ticks: int = 20,
    structure: float | None = None,
    recording: Recording | None = None,
    beats: Beats | None = None,
) -> DeckData:
    """A deck whose style is one number and whose structure rises from 0.5 to 1, or is constant."""
    row = np.linspace(0.5, 1.0, ticks) if structure is None else np.full(ticks, structure)
    mean = np.full(mini_bundle.STYLE_DIMS, style, np.float32)
    return DeckData(
        name=name,
        style_mean=mean,
        style_track=mean[None],
        style_ticks=np.array([ticks / 2], np.float32),
        structure=np.tile(row, (mini_bundle.STRUCTURE_DIMS, 1)).astype(np.float32),
        gain_db=0.0,
        seconds=ticks * 0.008,
        recording=recording,
        beats=beats,
    )
