"""Stage 3: decoder and vocoder together, judged by listeners that learn to tell them from music.

What stages 1 and 2 measure is an average over all that a blurred image may mean, and an average
of sounds is dull. Here the vocoder goes on with its own losses and has to convince discriminators
as well, while the decoder, thawed, learns to give images that it can do so with. The encoder
stays: decks encoded before sound as before, only better.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from model.checkpoint import ENCODER_DIGEST
from model.config import ModelConfig
from model.instrument import Instrument
from model.prior import encoder_digest
from training.objectives.adversarial_losses import (
    adversarial_loss,
    discriminator_loss,
    feature_matching_loss,
)
from training.objectives.asked_images import AskedImages
from training.objectives.discriminators import Discriminators, Judgement
from training.objectives.losses import contrast_loss, loudness_loss
from training.objectives.objective import Objective
from training.objectives.pictures import show_sounds
from training.objectives.vocoding import VocodedSound, Vocoding
from training.store.clip_pairs import PairBatch
from training.store.store import Store
from training.support.run_log import RunLog


@dataclass(frozen=True)
class AdversarialWeights:
    """How much each term counts beside the losses of stage 2."""

    image: float = 5.0
    loudness: float = 0.5
    contrast: float = 1.5
    features: float = 1.0
    adversarial: float = 0.2
    alone_steps: int = 200


class Adversarial(Objective):
    """The losses of decoder, vocoder and discriminators, of one forward and one backward.

    Each descends its own: decoder and vocoder are judged by discriminators with detached weights,
    the discriminators hear detached sound. For ``alone_steps`` these learn alone, or their first
    guesses would undo what stage 2 has learned.
    """

    def __init__(
        self,
        config: ModelConfig,
        model: Instrument,
        weights: AdversarialWeights | None = None,
        discriminators: Discriminators | None = None,
        decoded_share: float = 0.6,
        heard_samples: int = 16384,
    ) -> None:
        super().__init__()
        self.weights = weights or AdversarialWeights()
        self.digest = encoder_digest(model.encoder)
        self.vocoding = Vocoding(config, model.vocoder, None)
        crop_frames = self.vocoding.images.crop_frames
        self.images = AskedImages(config, model, decoded_share, crop_frames)
        self.discriminators = discriminators or Discriminators()
        self.heard_samples = heard_samples

    def forward(self, batch: PairBatch, step: int) -> dict[str, Tensor]:
        """Terms of the loss by name; ``total`` is the one to descend."""
        asked = self.images(batch)
        played = self.vocoding.play(asked.shown)
        sound, audio = self._moments(played)
        real, judged = self.discriminators(audio), self._judge(sound)
        terms = dict(played.terms)
        own = terms.pop("total")
        terms |= {
            "image": (asked.decoded - asked.answer).abs().mean(),
            "loudness": loudness_loss(asked.decoded, asked.answer),
            "contrast": contrast_loss(asked.decoded, asked.answer),
            "features": feature_matching_loss(real, judged),
            "adversarial": adversarial_loss(judged),
            "discriminators": discriminator_loss(real, self.discriminators(sound.detach())),
        }
        weights, convincing = self.weights, float(step > self.weights.alone_steps)
        terms["total"] = (
            own
            + weights.image * terms["image"]
            + weights.loudness * terms["loudness"]
            + weights.contrast * terms["contrast"]
            + convincing * weights.features * terms["features"]
            + convincing * weights.adversarial * terms["adversarial"]
            + terms["discriminators"]
        )
        return terms

    def learned(self) -> dict[str, nn.Module]:
        """What the run then plays with, in place of what stages 1 and 2 left."""
        return {"decoder": self.images.decoder, "vocoder": self.vocoding.vocoder}

    def parameter_groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """Who judges must learn faster than who plays."""
        rates = (
            (self.images.decoder, 0.5),
            (self.vocoding.vocoder, 0.5),
            (self.discriminators, 0.75),
        )
        return [
            {"params": list(module.parameters()), "lr": rate * learning_rate}
            for module, rate in rates
        ]

    def measured(self, model: Instrument, store: Store) -> dict[str, Tensor]:
        """Whose images and sounds these are: with another encoder they are not played."""
        return {ENCODER_DIGEST: self.digest}

    def show(self, log: RunLog, store: Store, model: Instrument, step: int) -> None:
        """Sound of held-out clips as mels, below the true ones."""
        show_sounds(log, store, model, step)

    def _judge(self, sound: Tensor) -> list[Judgement]:
        """What the discriminators say of sound that is to convince them, not to teach them."""
        fixed = {name: value.detach() for name, value in self.discriminators.named_parameters()}
        judged: list[Judgement] = functional_call(self.discriminators, fixed, (sound,))
        return judged

    def _moments(self, played: VocodedSound) -> tuple[Tensor, Tensor]:
        """The same stretch of decoded and of true sound, at most ``heard_samples`` long."""
        spare = played.sound.shape[1] - self.heard_samples
        first = int(torch.randint(max(spare, 0) + 1, ()))
        last = first + self.heard_samples
        return played.sound[:, first:last], played.audio[:, first:last]
