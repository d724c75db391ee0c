"""The vocoder's training input in stage 3: images of a decoder that is trained too, and true ones.

Here the decoder learns from the sound of its images. It must not unlearn what no recording can
teach: with a swapped style, the other rendering of the score is the true target; warped time and a
turned knob have a target image but no target sound, so for those clips the decoder learns from the
image alone, and the vocoder gets a true image instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model.config import ModelConfig
from model.decoder import ticks_to_frames
from model.features import LogMelImage
from model.instrument import Instrument
from training.objectives.style_swaps import (
    ELSEWHERE_SHARE,
    SWAP_SHARE,
    style_swap_targets,
    with_elsewhere,
    without_elsewhere,
)
from training.objectives.taught_knobs import TaughtKnobs
from training.objectives.time_warp import read_at, warped_positions
from training.objectives.vocoder_inputs import VocoderBatch, draw_crop
from training.store.clip_pairs import PairBatch
from training.support.precision import exact_features
from training.support.processes import draw_for_items


@dataclass(frozen=True)
class AdversarialBatch:
    """The vocoder's input, and for every clip the decoder's image and its target, both
    (B, 3, M, N)."""

    vocoder: VocoderBatch
    decoded: Tensor
    target: Tensor


class AdversarialInputs(nn.Module):
    """Crops of images by the decoder, which learns, from the encoder, which does not."""

    def __init__(
        self,
        config: ModelConfig,
        model: Instrument,
        decoded_share: float,
        crop_frames: int,
        swap_share: float = SWAP_SHARE,
        elsewhere_share: float = ELSEWHERE_SHARE,
        warped_share: float = 0.75,
    ) -> None:
        super().__init__()
        self.config = config
        self.features = LogMelImage(config.features)
        self.knobs = TaughtKnobs(config)
        self.decoder = model.decoder
        self.decoded_share = decoded_share
        self.crop_frames = min(crop_frames, config.clip_frames)
        self.swap_share = swap_share
        self.elsewhere_share = elsewhere_share
        self.warped_share = warped_share
        # In a list, so that its weights are not among this module's own.
        self._encoder = [model.encoder.eval().requires_grad_(False)]

    def forward(self, batch: PairBatch) -> AdversarialBatch:
        """Decode a few frames of each of the 2B clips."""
        audio = batch.audio.flatten(0, 1)
        images = exact_features(self.features, with_elsewhere(batch))
        own = without_elsewhere(images)
        swaps = style_swap_targets(batch.same_score, self.swap_share, self.elsewhere_share)
        turned = self.knobs(own[swaps.target])
        to_vocoder = self._draw_to_vocoder(audio) & ~turned.turned
        positions = self._positions(to_vocoder, own.shape[3])
        decoded = self._decode(images, swaps.style_of, turned.offset, positions)
        crop = draw_crop(self.config, self.crop_frames)
        decoded, true = decoded[..., crop.frames], own[swaps.target][..., crop.frames]
        image = torch.where(to_vocoder[:, None, None, None], decoded.to(true.dtype), true)
        return AdversarialBatch(
            VocoderBatch(image, audio[swaps.target][:, crop.samples]),
            decoded,
            read_at(turned.target, positions)[..., crop.frames],
        )

    def _draw_to_vocoder(self, audio: Tensor) -> Tensor:
        """Draw the clips of which the vocoder gets the decoder's image, (B,) bool."""
        drawn = draw_for_items(lambda n: torch.rand(n, device=audio.device), len(audio))
        return drawn < self.decoded_share

    def _positions(self, straight: Tensor, frames: int) -> Tensor:
        """Draw where each frame reads, (B, N); clips of ``straight`` (B,) bool are not warped."""

        def draw(clips: int) -> Tensor:
            return warped_positions(clips, frames, self.warped_share, straight.device)

        unwarped = torch.arange(frames, device=straight.device).float()
        return torch.where(straight[:, None], unwarped, draw_for_items(draw, len(straight)))

    def _decode(
        self, images: Tensor, style_of: Tensor, offset: Tensor, positions: Tensor
    ) -> Tensor:
        """Images (4B, 3, M, N), clips from elsewhere included, to decoded ones (2B, 3, M, N)."""
        with torch.no_grad():
            latents = self._encoder[0](images)
            structure = without_elsewhere(latents.structure)
            frames = ticks_to_frames(structure, self.config.encoder.frames_per_tick)
            structure = read_at(frames, positions)
            style = (latents.style_mean[style_of] + offset)[:, :, None]
            style = style.expand(-1, -1, structure.shape[2])
        decoded, _ = self.decoder(style, structure, self.decoder.initial_state(len(style)))
        return decoded
