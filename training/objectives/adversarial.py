"""Stage 3: decoder and vocoder together, against discriminators that tell their sound from music.

The losses of stages 1 and 2 average over everything that a blurred image may mean, and an average
of sounds is dull. Here the vocoder keeps its own losses and must convince discriminators as well,
and the decoder, trained again, learns to make images that let it. The encoder stays frozen: decks
encoded earlier stay valid and sound better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from model.checkpoint import ENCODER_DIGEST
from model.config import ModelConfig
from model.instrument import Instrument
from model.prior import encoder_digest
from training.objectives import vocoding
from training.objectives.adversarial_inputs import AdversarialBatch, AdversarialInputs
from training.objectives.adversarial_losses import (
    adversarial_loss,
    discriminator_loss,
    feature_matching_loss,
)
from training.objectives.discriminators import Discriminators, Judgement
from training.objectives.loss_terms import LossTerm, after, losses, total_loss
from training.objectives.losses import contrast_loss, loudness_loss
from training.objectives.objective import Objective
from training.objectives.pictures import show_sounds
from training.objectives.vocoding import VocodedSound, Vocoding
from training.store.clip_pairs import PairBatch
from training.store.store import Store
from training.support.run_log import RunLog

DISCRIMINATORS_ALONE_STEPS = 200
"""Steps for which the discriminators learn alone: their first guesses would undo stage 2."""


@dataclass(frozen=True)
class JudgedSound:
    """The decoder's images with their targets, and the discriminators' judgements.

    ``decoded`` and ``target`` (B, 3, M, N). Judgements ``true`` of true sound and ``learning`` of
    decoded sound teach the discriminators; ``convincing``, of decoded sound as well, teaches
    decoder and vocoder alone.
    """

    decoded: Tensor
    target: Tensor
    true: Sequence[Judgement]
    convincing: Sequence[Judgement]
    learning: Sequence[Judgement]


TERMS: tuple[LossTerm[JudgedSound], ...] = (
    LossTerm("image", 5.0, lambda made: (made.decoded - made.target).abs().mean()),
    LossTerm("loudness", 0.5, lambda made: loudness_loss(made.decoded, made.target)),
    LossTerm("contrast", 1.5, lambda made: contrast_loss(made.decoded, made.target)),
    LossTerm(
        "features",
        1.0,
        lambda made: feature_matching_loss(made.true, made.convincing),
        after(DISCRIMINATORS_ALONE_STEPS),
    ),
    LossTerm(
        "adversarial",
        0.2,
        lambda made: adversarial_loss(made.convincing),
        after(DISCRIMINATORS_ALONE_STEPS),
    ),
    LossTerm("discriminators", 1.0, lambda made: discriminator_loss(made.true, made.learning)),
)
"""The terms of stage 3; those of stage 2 come first."""


class Adversarial(Objective):
    """The losses of decoder, vocoder and discriminators, in one forward and one backward pass.

    Each side descends its own: decoder and vocoder are judged by discriminators with detached
    weights, the discriminators learn from detached sound.
    """

    def __init__(
        self,
        config: ModelConfig,
        model: Instrument,
        discriminators: Discriminators | None = None,
        decoded_share: float = 0.6,
        judged_samples: int = 16384,
        terms: Sequence[LossTerm[JudgedSound]] = TERMS,
    ) -> None:
        super().__init__()
        self.terms = terms
        self.digest = encoder_digest(model.encoder)
        self.vocoding = Vocoding(config, model.vocoder, None)
        crop_frames = self.vocoding.images.crop_frames
        self.images = AdversarialInputs(config, model, decoded_share, crop_frames)
        self.discriminators = discriminators or Discriminators()
        self.judged_samples = judged_samples

    def forward(self, batch: PairBatch, step: int) -> dict[str, Tensor]:
        """Return the terms of the loss by name; ``total`` is the one to descend."""
        images = self.images(batch)
        sound = self.vocoding.vocode(images.vocoder)
        terms = losses(vocoding.TERMS, sound)
        terms |= losses(self.terms, self._judged(images, sound))
        return terms | {"total": total_loss((*vocoding.TERMS, *self.terms), terms, step)}

    def learned(self) -> dict[str, nn.Module]:
        """Decoder and vocoder, which replace those of stages 1 and 2."""
        return {"decoder": self.images.decoder, "vocoder": self.vocoding.vocoder}

    def parameter_groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """Discriminators learn faster than decoder and vocoder."""
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
        """The digest of the encoder: the weights are not used with any other."""
        return {ENCODER_DIGEST: self.digest}

    def show(self, log: RunLog, store: Store, model: Instrument, step: int) -> None:
        """Log mels of vocoded held-out clips below the true ones."""
        show_sounds(log, store, model, step)

    def _judged(self, images: AdversarialBatch, sound: VocodedSound) -> JudgedSound:
        decoded, true = self._excerpts(sound)
        return JudgedSound(
            images.decoded,
            images.target,
            true=self.discriminators(true),
            convincing=self._judge_fixed(decoded),
            learning=self.discriminators(decoded.detach()),
        )

    def _judge_fixed(self, sound: Tensor) -> list[Judgement]:
        """Judge sound with weights that learn nothing from it."""
        fixed = {name: value.detach() for name, value in self.discriminators.named_parameters()}
        judged: list[Judgement] = functional_call(self.discriminators, fixed, (sound,))
        return judged

    def _excerpts(self, made: VocodedSound) -> tuple[Tensor, Tensor]:
        """The same stretch of decoded and of true sound, at most ``judged_samples`` long."""
        spare = made.sound.shape[1] - self.judged_samples
        first = int(torch.randint(max(spare, 0) + 1, ()))
        last = first + self.judged_samples
        return made.sound[:, first:last], made.true_sound[:, first:last]
