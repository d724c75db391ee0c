"""The discriminators and the losses of their judgements."""

from __future__ import annotations

import pytest
import torch

from training.objectives.adversarial_losses import (
    adversarial_loss,
    discriminator_loss,
    feature_matching_loss,
)
from training.objectives.discriminators import Discriminators, Judgement


def judgement(score: float, *features: float) -> list[Judgement]:
    layers = tuple(torch.full((1, 2), value) for value in features)
    return [Judgement(torch.full((1, 3), score), layers)]


def test_every_period_and_every_window_gives_a_judgement() -> None:
    judged = Discriminators(width=2, periods=(2, 3), windows=(64, 128))(torch.randn(2, 1000))
    assert len(judged) == 4
    assert all(one.score.shape[0] == 2 and len(one.features) == 4 for one in judged)


def test_the_discriminator_loss_is_zero_when_real_and_fake_are_told_apart() -> None:
    assert discriminator_loss(judgement(1.0), judgement(0.0)) == 0
    assert discriminator_loss(judgement(0.0), judgement(1.0)) == 2


def test_the_adversarial_loss_is_zero_when_the_sound_passes_for_real() -> None:
    assert adversarial_loss(judgement(1.0)) == 0
    assert adversarial_loss(judgement(0.0)) == 1


def test_features_are_matched_relative_to_their_size() -> None:
    quiet = feature_matching_loss(judgement(0, 1.0), judgement(0, 1.5))
    loud = feature_matching_loss(judgement(0, 100.0), judgement(0, 150.0))
    assert quiet == pytest.approx(0.5) and loud == pytest.approx(0.5)


def test_discriminators_learn_to_tell_noise_from_a_tone() -> None:
    torch.manual_seed(0)
    discriminators = Discriminators(width=4, periods=(2, 3), windows=(64,))
    optimiser = torch.optim.Adam(discriminators.parameters(), 2e-3)
    tone = 0.3 * torch.sin(torch.arange(2048) * 0.3).expand(4, -1)
    losses = []
    for _ in range(30):
        noise = 0.2 * torch.randn(4, 2048)
        loss = discriminator_loss(discriminators(tone), discriminators(noise))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]
