"""What stage 3 shows the vocoder: images that answer the questions of stage 1, and true ones.

The decoder learns here from the sound that becomes of its images. It must not unlearn what no
sound of ours can tell it: the style of one clip on the structure of another is asked where the
other rendering of the score is the true answer; time that is held or runs backwards has no
true sound, nor has what a turned knob colours, so these are asked of the image alone, where the
vocoder hears a true image instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model.config import ModelConfig
from model.decoder import ticks_to_frames
from model.features import LogMelImage
from model.instrument import Instrument
from training.objectives.shown_images import ShownBatch, draw_crop
from training.objectives.style_swaps import (
    ELSEWHERE_SHARE,
    SWAP_SHARE,
    style_swap_targets,
    with_elsewhere,
    without_elsewhere,
)
from training.objectives.taught_knobs import TaughtKnobs
from training.objectives.time_warp import read_at, warped_positions
from training.store.clip_pairs import PairBatch
from training.support.precision import exact_features
from training.support.processes import draw_for_items


@dataclass(frozen=True)
class AskedBatch:
    """What the vocoder is shown; what the decoder said of every clip and should have said, both
    (B, 3, M, N)."""

    shown: ShownBatch
    decoded: Tensor
    answer: Tensor


class AskedImages(nn.Module):
    """Crops of images by a decoder that learns, from an encoder that does not."""

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

    def forward(self, batch: PairBatch) -> AskedBatch:
        """A few frames of every clip of the pairs."""
        audio = batch.audio.flatten(0, 1)
        everything = exact_features(self.features, with_elsewhere(batch))
        image = without_elsewhere(everything)
        questions = style_swap_targets(batch.same_score, self.swap_share, self.elsewhere_share)
        sounds = questions.answer
        turned = self.knobs(image[sounds])
        heard = self._heard(audio) & ~turned.turned
        positions = self._positions(heard, image.shape[3])
        decoded = self._decode(everything, questions.style_of, turned.offset, positions)
        crop = draw_crop(self.config, self.crop_frames)
        decoded, straight = decoded[..., crop.frames], image[sounds][..., crop.frames]
        seen = torch.where(heard[:, None, None, None], decoded.to(straight.dtype), straight)
        return AskedBatch(
            ShownBatch(seen, audio[sounds][:, crop.samples]),
            decoded,
            read_at(turned.answer, positions)[..., crop.frames],
        )

    def _heard(self, audio: Tensor) -> Tensor:
        """Of which clips the vocoder gets the decoder's image, (B,) bool."""
        drawn = draw_for_items(lambda n: torch.rand(n, device=audio.device), len(audio))
        return drawn < self.decoded_share

    def _positions(self, heard: Tensor, frames: int) -> Tensor:
        """Where each frame reads, (B, N): straight on where the vocoder listens."""

        def draw(clips: int) -> Tensor:
            return warped_positions(clips, frames, self.warped_share, heard.device)

        straight = torch.arange(frames, device=heard.device).float()
        return torch.where(heard[:, None], straight, draw_for_items(draw, len(heard)))

    def _decode(self, image: Tensor, style_of: Tensor, offset: Tensor, positions: Tensor) -> Tensor:
        """The clips of ``image``, which holds those from elsewhere as well."""
        with torch.no_grad():
            latents = self._encoder[0](image)
            structure = without_elsewhere(latents.structure)
            frames = ticks_to_frames(structure, self.config.encoder.frames_per_tick)
            structure = read_at(frames, positions)
            style = (latents.style_mean[style_of] + offset)[:, :, None]
            style = style.expand(-1, -1, structure.shape[2])
        decoded, _ = self.decoder(style, structure, self.decoder.initial_state(len(style)))
        return decoded
