"""A model as measuring meets it: samples to latents, latents to samples, a whole stretch at once.

``Voice`` has two implementations, ``TorchVoice`` for a run and ``training.measures.bundle_voice``
for a bundle, which is heard through the very session that the server plays with. Only a run can
show what lies between its decoder and its vocoder, so figures of images exist for runs alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.features import LogMelImage
from model.instrument import Instrument
from model.streaming import State
from training.measures.model_grid import ModelGrid, grid_of_config

Floats = NDArray[np.float32]

BLOCK_FRAMES = 128
"""Frames decoded at once, so that minutes of music need no more memory than seconds."""


@dataclass(frozen=True)
class Posteriors:
    """What the encoder makes of W windows: ``styles`` (W, D), ``structures`` (W, S, K).

    ``deviations`` (W, D) are the standard deviations of the style; old bundles do not tell them.
    """

    styles: Floats
    structures: Floats
    deviations: Floats | None


class Voice(Protocol):
    """A model that listens and plays."""

    @property
    def grid(self) -> ModelGrid:
        """Its numbers."""

    def encode(self, windows: Floats) -> Posteriors:
        """Windows (W, clip + context samples) to latents."""

    def play(self, style: Floats, structure: Floats, seed: int) -> Floats:
        """Style (D, N) and structure (S, N) from silence to sound (N x hop,), late by latency."""


def blocks(
    style: Floats, structure: Floats, noise: tuple[int, int], seed: int
) -> Iterator[tuple[Floats, Floats, Floats]]:
    """Style (D, n), structure (S, n) and normal noise (F, n x r) of one block after another.

    ``noise`` is F and r, numbers a spectrum and spectra a frame; they are drawn in time order, as
    the server's engine draws them.
    """
    random = np.random.default_rng(seed)
    bins, per_frame = noise
    for first in range(0, structure.shape[1], BLOCK_FRAMES):
        block = slice(first, first + BLOCK_FRAMES)
        spectra = structure[:, block].shape[1] * per_frame
        yield style[:, block], structure[:, block], _normal(random, bins, spectra)


def _normal(random: np.random.Generator, bins: int, spectra: int) -> Floats:
    return random.standard_normal((spectra, bins), np.float32).T


class TorchVoice:
    """A trained run."""

    def __init__(self, model: Instrument) -> None:
        self.model = model.eval()
        self.grid = grid_of_config(model.config)
        self._features = LogMelImage(model.config.features)

    @torch.no_grad()
    def encode(self, windows: Floats) -> Posteriors:
        """See ``Voice.encode``."""
        latents = self.model.encoder(self._features(torch.from_numpy(windows)))
        return Posteriors(
            latents.style_mean.numpy(),
            latents.structure.numpy(),
            torch.exp(0.5 * latents.style_log_variance).numpy(),
        )

    @torch.no_grad()
    def play(self, style: Floats, structure: Floats, seed: int) -> Floats:
        """See ``Voice.play``."""
        config = self.model.config
        player = self.model.streaming_decoder().eval()
        state = player.initial_state(1)
        parts = []
        noise = (config.spectrum_bins, config.vocoder.spectra_per_frame)
        for block in blocks(style, structure, noise, seed):
            audio, state = player(*(_batch(part) for part in block), state)
            parts.append(audio[0, 0].numpy())
        return np.concatenate(parts)

    @torch.no_grad()
    def decode(self, style: Floats, structure: Floats) -> Floats:
        """Style (D, N) and structure (S, N) from silence to the decoder's image (3, M, N)."""
        state: State = self.model.decoder.initial_state(1)
        image, _ = self.model.decoder(_batch(style), _batch(structure), state)
        return np.asarray(image[0].numpy())

    @torch.no_grad()
    def vocode(self, image: Floats, seed: int) -> Floats:
        """Any image (3, M, N) from silence to sound (N x hop,), late by latency."""
        config, vocoder = self.model.config, self.model.vocoder
        spectra = image.shape[2] * config.vocoder.spectra_per_frame
        noise = _normal(np.random.default_rng(seed), config.spectrum_bins, spectra)
        audio, _ = vocoder(_batch(image), _batch(noise), vocoder.initial_state(1))
        return np.asarray(audio[0, 0].numpy())


def _batch(array: Floats) -> Tensor:
    return torch.from_numpy(np.array(array, np.float32, order="C"))[None]
