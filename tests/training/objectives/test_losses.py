"""Losses are smallest for the right answer and ignore what they should not depend on."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from model.features import NEPERS_PER_UNIT
from model.vocoder import Spectra
from training.objectives.losses import (
    advance_loss,
    contrast_loss,
    loudness_loss,
    magnitude_loss,
    spectral_loss,
    style_divergence,
)


def test_a_style_like_the_prior_costs_nothing_beyond_the_free_bits() -> None:
    zeros = torch.zeros(4, 8)
    assert style_divergence(zeros, zeros, 0.0) == 0
    assert style_divergence(zeros, zeros, 0.1) == pytest.approx(0.8)


def test_the_style_divergence_is_that_of_two_gaussians() -> None:
    mean, log_variance = torch.tensor([[2.0]]), torch.tensor([[math.log(0.25)]])
    prior = torch.distributions.Normal(0.0, 1.0)
    expected = torch.distributions.kl_divergence(torch.distributions.Normal(2.0, 0.5), prior)
    assert style_divergence(mean, log_variance, 0.0) == pytest.approx(float(expected))


def spectra(truth: torch.Tensor, advance: torch.Tensor, spread: float) -> Spectra:
    return Spectra(torch.log(truth.abs()), advance, torch.full(truth.shape, spread))


def turning(radians: float, bins: int = 5, count: int = 9) -> torch.Tensor:
    """Spectra of magnitude 2 whose phase advances by ``radians`` each."""
    phase = radians * torch.arange(count)[None, None, :].expand(1, bins, -1)
    return torch.polar(torch.full(phase.shape, 2.0), phase)


def test_the_right_phase_advance_costs_nothing() -> None:
    bin_turns = torch.full((5,), 0.25)
    truth = turning(2 * math.pi * 0.25 + 0.3)
    right = spectra(truth, torch.full(truth.shape, 0.3), 0.0)
    wrong = spectra(truth, torch.full(truth.shape, -0.4), 0.0)
    assert advance_loss(right, truth, bin_turns) == pytest.approx(0, abs=1e-5)
    assert advance_loss(wrong, truth, bin_turns) > 0.3
    assert magnitude_loss(right, truth) == pytest.approx(0, abs=1e-6)


def test_any_level_below_the_floor_counts_as_silence() -> None:
    silence = torch.full((1, 5, 9), 1e-6, dtype=torch.complex64)
    zeros = torch.zeros(1, 5, 9)
    right = Spectra(torch.full((1, 5, 9), -12.0), zeros, zeros)
    hissing = Spectra(torch.full((1, 5, 9), -4.6), zeros, zeros)
    assert magnitude_loss(right, silence) < 0.01
    assert magnitude_loss(hissing, silence) > 2


def test_admitting_uncertainty_costs_less_than_being_wrong() -> None:
    torch.manual_seed(0)
    truth = torch.randn(1, 50, 200, dtype=torch.complex64)
    advance, bin_turns = torch.zeros(truth.shape), torch.zeros(50)
    sure = advance_loss(spectra(truth, advance, 0.0), truth, bin_turns)
    unsure = advance_loss(spectra(truth, advance, 3.0), truth, bin_turns)
    assert unsure < 0.6 * sure


def test_the_spectral_loss_is_smallest_for_the_same_sound() -> None:
    torch.manual_seed(0)
    sound = 0.1 * torch.randn(2, 8192)
    assert spectral_loss(sound, sound) == pytest.approx(0, abs=1e-6)
    quieter, other = spectral_loss(0.5 * sound, sound), spectral_loss(torch.randn(2, 8192), sound)
    assert 0.1 < quieter < other


def test_silence_gives_a_finite_gradient() -> None:
    silence = torch.zeros(1, 4096, requires_grad=True)
    spectral_loss(silence, 0.1 * torch.randn(1, 4096)).backward()
    assert silence.grad is not None
    assert torch.isfinite(silence.grad).all()


def test_the_loudness_loss_depends_only_on_the_power_of_a_frame() -> None:
    even = torch.zeros(1, 3, 4, 2)
    one_bin = torch.full((1, 3, 4, 2), -50.0)
    one_bin[:, :, 1] = math.log(4) / NEPERS_PER_UNIT
    assert loudness_loss(one_bin, even) == pytest.approx(0.0, abs=1e-6)
    assert loudness_loss(even - 0.25, even) == pytest.approx(0.25)


def struck(onset: int, frames_to_rise: int) -> Tensor:
    """A level that rises once, the same in all bins (1, 3, 40, 96)."""
    ramp = ((torch.arange(96) - onset) / frames_to_rise).clamp(0, 1)
    return (ramp - 1).expand(1, 3, 40, 96)


def test_the_contrast_loss_detects_a_softer_attack_at_any_onset() -> None:
    truth = struck(20, 1)
    assert contrast_loss(struck(60, 1), truth) == pytest.approx(0.0, abs=1e-6)
    assert contrast_loss(struck(20, 4), truth) > 0.02
    assert contrast_loss(struck(20, 16), truth) > contrast_loss(struck(20, 4), truth)


def test_missing_held_tones_cost_more_than_missing_noise() -> None:
    torch.manual_seed(1)
    even = torch.full((1, 3, 40, 96), -0.5)
    heights = 0.1 * torch.randn(40)
    held = even + heights[:, None]
    # The same values in another order at each frame: the level stays.
    speckle = even + torch.stack([heights[torch.randperm(40)] for _ in range(96)], dim=1)
    assert contrast_loss(even, held) > 2 * contrast_loss(even, speckle)


def test_the_contrast_loss_of_silence_has_a_finite_gradient() -> None:
    silence = torch.full((1, 3, 40, 96), -1.0, requires_grad=True)
    contrast_loss(silence, struck(20, 1)).backward()
    assert silence.grad is not None
    assert silence.grad.isfinite().all()
