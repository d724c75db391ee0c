"""Stage 1: encoder and decoder on log-mel images.

Every item asks one question: the structure of this clip in the style of that one, what does it
sound like? Where the two clips are the same, the answer is the clip. Where they are two excerpts
of one recording, still the first clip: the recording's style is one. Where they are one score
played by two instruments, the other rendering: notes from here, timbre from there (FACTS.md's
swap loss). Style alone must also tell the answer's mean spectrum, or nothing makes it carry
anything: without that term every style dimension fell to a spread below 0.1 in 600 steps, because
the structure map can say it all.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model.config import ModelConfig
from model.decoder import Decoder, ticks_to_frames
from model.encoder import Encoder, sample_style
from model.features import LogMelImage
from model.streaming import State
from training.augment import ImageAugmentation
from training.data import PairBatch
from training.losses import structure_power, style_divergence
from training.precision import exact_features


@dataclass(frozen=True)
class AutoencodingWeights:
    """How much each term of the loss counts beside the L1 of the image."""

    envelope: float = 0.5
    style: float = 3e-4
    structure: float = 4e-3
    free_nats: float = 0.1
    warm_up_steps: int = 1500
    swap_share_of_scores: float = 0.8
    swap_share_of_recordings: float = 0.5
    carry_share: float = 0.7


class Autoencoding(nn.Module):
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
        self.augment = ImageAugmentation()
        self.carried: State | None = None

    def forward(self, batch: PairBatch, step: int) -> dict[str, Tensor]:
        """Terms of the loss by name; ``total`` is the one to descend."""
        image = exact_features(self.features, batch.audio.flatten(0, 1))
        latents = self.encoder(self.augment(image))
        style, structure = sample_style(latents), latents.structure
        if self.config.has_structure:
            noise = torch.randn_like(structure)
            structure = structure + self.config.encoder.structure_noise * noise
        source, target = self._questions(batch.same_score)
        decoded = self._decode(style[source], structure)
        envelope = self.decoder.envelope_of(style[source][:, :, None])
        weights = self.weights
        terms = {
            "image": (decoded - image[target]).abs().mean(),
            "envelope": (envelope - image[target].mean(dim=3, keepdim=True)).abs().mean(),
            "style_nats": style_divergence(
                latents.style_mean, latents.style_log_variance, weights.free_nats
            ),
            "structure_power": structure_power(latents.structure),
        }
        warmth = min(1.0, step / weights.warm_up_steps)
        terms["total"] = (
            terms["image"]
            + weights.envelope * terms["envelope"]
            + warmth * weights.style * terms["style_nats"]
            + weights.structure * terms["structure_power"]
        )
        return terms

    def _questions(self, same_score: Tensor) -> tuple[Tensor, Tensor]:
        """Which clip gives the style and which is the answer, two indices (2B,).

        Clips lie in pairs (0, 1), (2, 3), ...: the other of clip i is i with its last bit turned.
        """
        pairs = same_score.shape[0]
        clips = torch.arange(2 * pairs, device=same_score.device)
        share = torch.where(
            same_score, self.weights.swap_share_of_scores, self.weights.swap_share_of_recordings
        )
        swapped = torch.rand(pairs, device=same_score.device) < share
        swapped, paired = swapped.repeat_interleave(2), same_score.repeat_interleave(2)
        source = torch.where(swapped, clips ^ 1, clips)
        return source, torch.where(paired, source, clips)

    def _decode(self, style: Tensor, structure: Tensor) -> Tensor:
        frames = ticks_to_frames(structure, self.config.encoder.frames_per_tick)
        held = style[:, :, None].expand(-1, -1, frames.shape[2])
        decoded, state = self.decoder(held, frames, self._start(style.shape[0]))
        self.carried = {name: value.detach().float() for name, value in state.items()}
        return decoded

    def _start(self, batch: int) -> State:
        silence = self.decoder.initial_state(batch)
        if self.carried is None:
            return silence
        carry = torch.rand(batch, device=next(iter(silence.values())).device)
        keep = carry < self.weights.carry_share
        return {
            name: torch.where(keep.view(-1, *[1] * (value.dim() - 1)), self.carried[name], value)
            for name, value in silence.items()
        }
