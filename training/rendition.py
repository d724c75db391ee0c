"""An excerpt through the model as the stage plays it: windows, style mean, one carried stream."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from export.audio import window_starts
from export.sequence import Encoded, lay_together
from model.config import ModelConfig
from model.decoder import ticks_to_frames
from model.features import LogMelImage
from model.instrument import Instrument
from training.excerpts import Excerpt, Layout


@dataclass(frozen=True)
class Heard:
    """What the encoder made of one excerpt's stretch of N frames.

    ``image`` (3, M, N) is the true one; ``styles`` (W, D) and ``style_deviations`` (W, D) are
    each window's posterior; ``structure`` (S, N) is laid together and read at frames.
    """

    image: Tensor
    styles: Tensor
    style_deviations: Tensor
    structure: Tensor

    @property
    def style(self) -> Tensor:
        """The deck's style mean, (D,)."""
        return self.styles.mean(dim=0)


class Rendition:
    """Listens to and plays excerpts of one layout with one model."""

    def __init__(self, model: Instrument, frames: Layout, seed: int) -> None:
        self.model = model.eval()
        self.config: ModelConfig = model.config
        self.layout = frames
        self.seed = seed
        self.features = LogMelImage(model.config.features)

    @property
    def sample_rate_hz(self) -> int:
        """Of everything here."""
        return self.config.features.sample_rate_hz

    @torch.no_grad()
    def listen(self, excerpt: Excerpt) -> Heard:
        """Encode the stretch in half overlapping windows, as a file is put on a deck."""
        image = self.features(torch.from_numpy(excerpt.samples)[None])
        clip, tick = self.config.clip_frames, self.config.encoder.frames_per_tick
        starts = window_starts(image.shape[3], clip, tick)
        windows = torch.cat([image[..., start : start + clip] for start in starts])
        latents = self.model.encoder(windows)
        return Heard(
            image[0],
            latents.style_mean,
            torch.exp(0.5 * latents.style_log_variance),
            self._structure_at_frames(latents.structure.numpy(), starts),
        )

    @torch.no_grad()
    def decode(self, style: Tensor, structure: Tensor) -> Tensor:
        """Style (D,) held over structure (S, N), from silence: image (3, M, N)."""
        held = style[None, :, None].expand(-1, -1, structure.shape[1])
        image, _ = self.model.decoder(held, structure[None], self.model.decoder.initial_state(1))
        return image[0]

    @torch.no_grad()
    def play(self, image: Tensor) -> NDArray[np.float32]:
        """Image (3, M, N) of the stretch to the measured samples (T,), latency taken out."""
        vocoder = self.model.vocoder
        spectra = image.shape[2] * self.config.vocoder.spectra_per_frame
        random = torch.Generator().manual_seed(self.seed)
        noise = torch.randn(1, self.config.spectrum_bins, spectra, generator=random)
        audio, _ = vocoder(image[None], noise, vocoder.initial_state(1))
        hop = self.config.features.hop_samples
        first = self.layout.lead_frames * hop + self.config.latency_samples
        return audio[0, 0, first : first + self.layout.frames * hop].numpy()

    def measured(self, image: Tensor, beside: int = 0) -> Tensor:
        """The measured frames of a stretch, (3, M, N) and ``beside`` more on each side."""
        first = self.layout.lead_frames
        return image[..., first - beside : first + self.layout.frames + beside]

    def _structure_at_frames(self, windows: NDArray[np.float32], starts: list[int]) -> Tensor:
        per_tick = self.config.encoder.frames_per_tick
        ticks = self.layout.stretch_frames // per_tick
        if self.config.has_structure:
            encoded = [
                Encoded(start // per_tick, np.zeros(0, np.float32), structure)
                for start, structure in zip(starts, windows, strict=True)
            ]
            track = lay_together(encoded, ticks)
        else:
            track = np.resize(windows[0].T, (ticks, windows.shape[1])).T
        return ticks_to_frames(torch.from_numpy(track.copy())[None], per_tick)[0]
