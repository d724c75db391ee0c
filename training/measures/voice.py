"""The interface through which models are measured: samples to latents, latents to samples.

``Voice`` has two implementations: ``TorchVoice`` for a run and ``training.measures.bundle_voice``
for a bundle, which plays through the server's own session. Only a run gives access to the image
between its decoder and its vocoder, so image figures exist for runs alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from export.audio.arrays import Floats
from model.features import LogMelImage
from model.instrument import Instrument
from model.streaming import State
from training.measures.model_grid import ModelGrid, grid_of_config

BLOCK_FRAMES = 128
"""Frames in a block, so that minutes of music need no more memory than seconds."""


@dataclass(frozen=True)
class Posteriors:
    """The latents of W windows: ``styles`` (W, D), ``structures`` (W, S, K).

    ``deviations`` (W, D) are the standard deviations of the style; None for older bundles.
    """

    styles: Floats
    structures: Floats
    deviations: Floats | None


class Voice(Protocol):
    """A model that encodes and plays whole stretches."""

    @property
    def grid(self) -> ModelGrid:
        """The model's time and frequency grid."""

    def encode(self, windows: Floats) -> Posteriors:
        """Encode windows (W, clip + context samples)."""

    def play(self, style: Floats, structure: Floats, seed: int) -> Floats:
        """Decode style (D, N), structure (S, N) from silence: (N x hop,), late by the latency."""


def blocks(
    style: Floats, structure: Floats, noise: tuple[int, int], seed: int
) -> Iterator[tuple[Floats, Floats, Floats]]:
    """Yield style (D, n), structure (S, n) and normal noise (F, n x r) of each block.

    ``noise`` is (F, r): bins in a spectrum and spectra in a frame. It is drawn in time order, as
    in the server's engine.
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
    """A trained run in torch."""

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
        """Decode style (D, N) and structure (S, N) from silence to an image (3, M, N)."""
        state: State = self.model.decoder.initial_state(1)
        image, _ = self.model.decoder(_batch(style), _batch(structure), state)
        return np.asarray(image[0].numpy())

    @torch.no_grad()
    def vocode(self, image: Floats, seed: int) -> Floats:
        """Vocode any image (3, M, N) from silence: (N x hop,), late by the latency."""
        config, vocoder = self.model.config, self.model.vocoder
        spectra = image.shape[2] * config.vocoder.spectra_per_frame
        noise = _normal(np.random.default_rng(seed), config.spectrum_bins, spectra)
        audio, _ = vocoder(_batch(image), _batch(noise), vocoder.initial_state(1))
        return np.asarray(audio[0, 0].numpy())


def _batch(array: Floats) -> Tensor:
    return torch.from_numpy(np.array(array, np.float32, order="C"))[None]
