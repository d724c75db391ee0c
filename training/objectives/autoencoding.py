"""Stage 1: encoder and decoder on log-mel images.

For every clip the decoder gets the clip's structure and the style of a recording, and has a target
image. Where the style is the clip's own, or from elsewhere in its recording, the target is the
clip. Where the pair is one score played by two instruments, it may be the other rendering: notes
from here, timbre from there. Some clips are read in warped time, with a warped target; for some,
style is offset and the target coloured by as much (``training.objectives.taught_knobs``). Style
alone must also give the target's mean spectrum: without that term every style dimension fell to a
spread below 0.1 in 600 steps, because the structure map can carry everything.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model.config import ModelConfig
from model.decoder import Decoder, ticks_to_frames
from model.encoder import Encoder, Latents, sample_style
from model.features import LogMelImage
from model.instrument import Instrument
from model.streaming import State
from training.objectives.augment import ImageAugmentation
from training.objectives.loss_terms import LossTerm, losses, rising, total_loss
from training.objectives.losses import (
    contrast_loss,
    loudness_loss,
    structure_power,
    style_divergence,
)
from training.objectives.objective import Objective
from training.objectives.pictures import show_images
from training.objectives.style_statistics import measure_style_space
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
from training.store.store import Store
from training.support.precision import exact_features
from training.support.processes import draw_for_items
from training.support.run_log import RunLog

FREE_NATS = 0.1
"""A style dimension may carry as much before its divergence costs anything."""


@dataclass(frozen=True)
class DecodedImages:
    """The encoder's latents, the decoder's images and their targets.

    ``latents`` of all clips, those from elsewhere included; ``decoded`` and ``target``
    (B, 3, M, N); ``envelope`` (B, 3, M, 1) as style alone gives it, and ``mean_target`` its target.
    """

    latents: Latents
    decoded: Tensor
    target: Tensor
    envelope: Tensor
    mean_target: Tensor


TERMS: tuple[LossTerm[DecodedImages], ...] = (
    LossTerm("image", 1.0, lambda images: (images.decoded - images.target).abs().mean()),
    LossTerm("loudness", 0.1, lambda images: loudness_loss(images.decoded, images.target)),
    LossTerm("contrast", 0.3, lambda images: contrast_loss(images.decoded, images.target)),
    LossTerm("envelope", 0.5, lambda images: (images.envelope - images.mean_target).abs().mean()),
    LossTerm(
        "style_nats",
        3e-4,
        lambda images: style_divergence(
            images.latents.style_mean, images.latents.style_log_variance, FREE_NATS
        ),
        rising(1500),
    ),
    LossTerm("structure_power", 4e-3, lambda images: structure_power(images.latents.structure)),
)


class Autoencoding(Objective):
    """The loss of stage 1, and the decoder state that batches carry to the next.

    An instrument plays for hours while clips last seconds, so most clips start from the state that
    the previous batch left, whatever its music was: the decoder learns to go on from anywhere.
    """

    def __init__(
        self,
        config: ModelConfig,
        encoder: Encoder,
        decoder: Decoder,
        swap_share: float = SWAP_SHARE,
        elsewhere_share: float = ELSEWHERE_SHARE,
        warped_share: float = 0.3,
        carried_share: float = 0.7,
    ) -> None:
        super().__init__()
        self.config = config
        self.encoder = encoder
        self.decoder = decoder
        self.features = LogMelImage(config.features)
        self.knobs = TaughtKnobs(config)
        self.augment = ImageAugmentation()
        self.swap_share = swap_share
        self.elsewhere_share = elsewhere_share
        self.warped_share = warped_share
        self.carried_share = carried_share
        self.carried: State | None = None

    def forward(self, batch: PairBatch, step: int) -> dict[str, Tensor]:
        """Return the terms of the loss by name; ``total`` is the one to descend."""
        terms = losses(TERMS, self._images(batch))
        return terms | {"total": total_loss(TERMS, terms, step)}

    def learned(self) -> dict[str, nn.Module]:
        """The encoder and the decoder."""
        return {"encoder": self.encoder, "decoder": self.decoder}

    def memory(self) -> State:
        """The decoder's state after the last batch."""
        return self.carried or {}

    def recall(self, memory: State) -> None:
        """Go on from a stored state."""
        self.carried = memory or None

    def measured(self, model: Instrument, store: Store) -> dict[str, Tensor]:
        """Mean and covariance of the styles of the training music."""
        space = measure_style_space(model, store)
        return {f"style_space.{name}": value for name, value in space.items()}

    def show(self, log: RunLog, store: Store, model: Instrument, step: int) -> None:
        """Log decoded images of held-out clips below the true ones."""
        show_images(log, store, model, step)

    def _images(self, batch: PairBatch) -> DecodedImages:
        """Encode the clips, decode them with swapped, offset and warped latents."""
        images = exact_features(self.features, with_elsewhere(batch))
        latents, style, structure = self._encode(images)
        own, structure = without_elsewhere(images), without_elsewhere(structure)
        swaps = style_swap_targets(batch.same_score, self.swap_share, self.elsewhere_share)
        turned = self.knobs(own[swaps.target])
        offset_style = style[swaps.style_of] + turned.offset
        positions = draw_for_items(
            lambda n: warped_positions(n, own.shape[3], self.warped_share, own.device), len(own)
        )
        target = read_at(turned.target, positions)
        return DecodedImages(
            latents,
            self._decode(offset_style, structure, positions),
            target,
            self.decoder.envelope_of(offset_style[:, :, None]),
            turned.target.mean(dim=3, keepdim=True),
        )

    def _encode(self, image: Tensor) -> tuple[Latents, Tensor, Tensor]:
        """Return latents, and the style (B, D) and structure (B, S, K) for the decoder.

        A frozen encoder gives what it gives when played. One that learns sees augmented images, and
        noise on its latents limits how much they carry.
        """
        if not any(weight.requires_grad for weight in self.encoder.parameters()):
            with torch.no_grad():
                latents = self.encoder.eval()(image)
            return latents, latents.style_mean, latents.structure
        latents = self.encoder(self.augment(image))
        style = sample_style(latents, _normal_like(latents.style_mean))
        structure = latents.structure
        if self.config.has_structure:
            noise = _normal_like(structure)
            structure = structure + self.config.encoder.structure_noise * noise
        return latents, style, structure

    def _decode(self, style: Tensor, structure: Tensor, positions: Tensor) -> Tensor:
        frames = ticks_to_frames(structure, self.config.encoder.frames_per_tick)
        frames = read_at(frames, positions)
        held = style[:, :, None].expand(-1, -1, frames.shape[2])
        decoded, state = self.decoder(held, frames, self._initial_state(style.shape[0]))
        self.carried = {name: value.detach().float() for name, value in state.items()}
        return decoded

    def _initial_state(self, batch: int) -> State:
        """Silence, or for ``carried_share`` of the clips the state that the last batch left."""
        silence = self.decoder.initial_state(batch)
        if self.carried is None or len(next(iter(self.carried.values()))) != batch:
            return silence
        device = next(iter(silence.values())).device
        drawn = draw_for_items(lambda n: torch.rand(n, device=device), batch)
        keep = drawn < self.carried_share
        return {
            name: torch.where(keep.view(-1, *[1] * (value.dim() - 1)), self.carried[name], value)
            for name, value in silence.items()
        }


def _normal_like(like: Tensor) -> Tensor:
    """Draw standard normal numbers for the items of a batch, (B, ...) as ``like``."""
    return draw_for_items(lambda n: torch.randn(n, *like.shape[1:], device=like.device), len(like))
