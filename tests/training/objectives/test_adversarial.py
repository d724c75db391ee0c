"""Stage 3: each of the two sides descends only its own losses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from model.config import PRESETS
from model.instrument import Instrument
from tests.training.made_up_store import make_store
from training.objectives.adversarial import DISCRIMINATORS_ALONE_STEPS, TERMS, Adversarial
from training.objectives.discriminators import Discriminators
from training.store.clip_pairs import ClipPairs, PairBatch

CONFIG = PRESETS["tiny"]
LATER_STEP = DISCRIMINATORS_ALONE_STEPS + 90


@pytest.fixture
def batch(tmp_path: Path) -> PairBatch:
    return ClipPairs(make_store(tmp_path / "store"), CONFIG.input_samples, 2, 1)[0]


def make_stage(**weights: float) -> Adversarial:
    torch.manual_seed(0)
    return Adversarial(
        CONFIG,
        Instrument(CONFIG),
        Discriminators(width=2, periods=(2, 3), windows=(128, 256)),
        decoded_share=1.0,
        judged_samples=4096,
        terms=[replace(term, weight=weights.get(term.name, term.weight)) for term in TERMS],
    )


def gradients(module: nn.Module) -> torch.Tensor:
    found = [p.grad.flatten() for p in module.parameters() if p.grad is not None]
    return torch.cat(found) if found else torch.zeros(1)


def test_discriminators_are_not_taught_to_be_convinced(batch: PairBatch) -> None:
    stage = make_stage()
    terms = stage(batch, LATER_STEP)
    (terms["adversarial"] + terms["features"]).backward()
    assert gradients(stage.discriminators).abs().max() == 0
    assert gradients(stage.vocoding.vocoder).abs().max() > 0


def test_the_vocoder_is_not_taught_to_be_found_out(batch: PairBatch) -> None:
    stage = make_stage()
    stage(batch, LATER_STEP)["discriminators"].backward()
    assert gradients(stage.vocoding.vocoder).abs().max() == 0
    assert gradients(stage.discriminators).abs().max() > 0


def test_the_decoder_learns_and_the_encoder_stays(batch: PairBatch) -> None:
    model = Instrument(CONFIG)
    stage = Adversarial(CONFIG, model, discriminators=Discriminators(2, (2,), (128,)))
    stage.images.decoded_share = 1.0
    stage(batch, 1000)["spectral"].backward()
    assert gradients(model.decoder).abs().max() > 0
    assert all(p.grad is None for p in model.encoder.parameters())
    assert not model.encoder.training


def test_in_the_first_steps_the_discriminators_learn_alone(batch: PairBatch) -> None:
    def total(step: int) -> float:
        stage = make_stage(features=1e6)
        torch.manual_seed(1)
        return float(stage(batch, step)["total"].detach())

    alone = DISCRIMINATORS_ALONE_STEPS
    assert total(1) == total(alone)
    assert total(alone + 1) > 1000 * total(alone)


def test_the_decoder_learns_even_where_the_vocoder_gets_true_images(batch: PairBatch) -> None:
    stage = make_stage()
    stage.images.decoded_share = 0.0
    stage(batch, LATER_STEP)["total"].backward()
    assert all(p.grad is not None for p in stage.parameters() if p.requires_grad)
    assert gradients(stage.images.decoder).abs().max() > 0


def test_some_steps_make_the_losses_fall(batch: PairBatch) -> None:
    stage = make_stage()
    optimiser = torch.optim.Adam([p for p in stage.parameters() if p.requires_grad], 1e-3)
    seen = []
    for step in range(DISCRIMINATORS_ALONE_STEPS - 9, DISCRIMINATORS_ALONE_STEPS + 6):
        torch.manual_seed(1)
        terms = stage(batch, step)
        optimiser.zero_grad()
        terms["total"].backward()
        optimiser.step()
        seen.append(float((terms["spectral"] + terms["image"]).detach()))
    assert seen[-1] < 0.9 * seen[0]
