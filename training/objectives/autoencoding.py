"""Stage 1: encoder and decoder on log-mel images.

Every item asks one question: the structure of this clip in the style of that one, what does it
sound like? Where the two clips are the same, the answer is the clip. Where they are two excerpts of
one recording, still the first clip: the recording's style is one. Where they are one score played
by two instruments, the other one: notes from here, timbre from there (FACTS.md's swap loss), heard
there or elsewhere in that recording. Whatever the answer is, it may be coloured, and style moved by
as much (``training.objectives.taught_knobs``). Style alone must also tell the answer's mean
spectrum, or nothing makes it carry anything: without that term every style dimension fell to a
spread below 0.1 in 600 steps, because the structure map can say it all.
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


@dataclass(frozen=True)
class AutoencodingWeights:
    """How much each term of the loss counts beside the L1 of the image."""

    envelope: float = 0.5
    style: float = 3e-4
    structure: float = 4e-3
    free_nats: float = 0.1
    warm_up_steps: int = 1500
    swap_share: float = SWAP_SHARE
    elsewhere_share: float = ELSEWHERE_SHARE
    carry_share: float = 0.7
    warped_share: float = 0.3
    loudness: float = 0.1
    contrast: float = 0.3


class Autoencoding(Objective):
    """The loss of stage 1 and the decoder state that is carried from batch to batch.

    An instrument plays for hours while clips last seconds, so most batches start from the memory
    that the batch before left behind, whatever its music was: the decoder learns to go on from
    anywhere.
    """

    def __init__(
        self,
        config: ModelConfig,
        encoder: Encoder,
        decoder: Decoder,
        weights: AutoencodingWeights | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.encoder = encoder
        self.decoder = decoder
        self.weights = weights or AutoencodingWeights()
        self.features = LogMelImage(config.features)
        self.knobs = TaughtKnobs(config)
        self.augment = ImageAugmentation()
        self.carried: State | None = None

    def forward(self, batch: PairBatch, step: int) -> dict[str, Tensor]:
        """Terms of the loss by name; ``total`` is the one to descend."""
        everything = exact_features(self.features, with_elsewhere(batch))
        latents, style, structure = self._listen(everything)
        image, structure = without_elsewhere(everything), without_elsewhere(structure)
        weights = self.weights
        questions = style_swap_targets(
            batch.same_score, weights.swap_share, weights.elsewhere_share
        )
        turned = self.knobs(image[questions.answer])
        asked_style, target = style[questions.style_of] + turned.offset, turned.answer
        positions = draw_for_items(
            lambda n: warped_positions(n, image.shape[3], weights.warped_share, image.device),
            len(image),
        )
        answer = read_at(target, positions)
        decoded = self._decode(asked_style, structure, positions)
        envelope = self.decoder.envelope_of(asked_style[:, :, None])
        terms = {
            "image": (decoded - answer).abs().mean(),
            "loudness": loudness_loss(decoded, answer),
            "contrast": contrast_loss(decoded, answer),
            "envelope": (envelope - target.mean(dim=3, keepdim=True)).abs().mean(),
            "style_nats": style_divergence(
                latents.style_mean, latents.style_log_variance, weights.free_nats
            ),
            "structure_power": structure_power(latents.structure),
        }
        warmth = min(1.0, step / weights.warm_up_steps)
        terms["total"] = (
            terms["image"]
            + weights.loudness * terms["loudness"]
            + weights.contrast * terms["contrast"]
            + weights.envelope * terms["envelope"]
            + warmth * weights.style * terms["style_nats"]
            + weights.structure * terms["structure_power"]
        )
        return terms

    def learned(self) -> dict[str, nn.Module]:
        """The encoder and the decoder."""
        return {"encoder": self.encoder, "decoder": self.decoder}

    def memory(self) -> State:
        """The decoder's state behind the last batch."""
        return self.carried or {}

    def recall(self, memory: State) -> None:
        """Go on from a stored state."""
        self.carried = memory or None

    def measured(self, model: Instrument, store: Store) -> dict[str, Tensor]:
        """Where the styles of the training music lie."""
        space = measure_style_space(model, store)
        return {f"style_space.{name}": value for name, value in space.items()}

    def show(self, log: RunLog, store: Store, model: Instrument, step: int) -> None:
        """Decoded images of held-out clips below the true ones."""
        show_images(log, store, model, step)

    def _listen(self, image: Tensor) -> tuple[Latents, Tensor, Tensor]:
        """Latents, and the style (B, D) and structure (B, S, K) that the decoder gets to hear.

        An encoder that does not learn gives what it gives on stage; one that does is kept from
        saying too much by noise.
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
        decoded, state = self.decoder(held, frames, self._start(style.shape[0]))
        self.carried = {name: value.detach().float() for name, value in state.items()}
        return decoded

    def _start(self, batch: int) -> State:
        silence = self.decoder.initial_state(batch)
        if self.carried is None or len(next(iter(self.carried.values()))) != batch:
            return silence
        device = next(iter(silence.values())).device
        carry = draw_for_items(lambda n: torch.rand(n, device=device), batch)
        keep = carry < self.weights.carry_share
        return {
            name: torch.where(keep.view(-1, *[1] * (value.dim() - 1)), self.carried[name], value)
            for name, value in silence.items()
        }


def _normal_like(like: Tensor) -> Tensor:
    """Standard normal numbers for the items of a batch, (B, ...) as ``like``."""
    return draw_for_items(lambda n: torch.randn(n, *like.shape[1:], device=like.device), len(like))
