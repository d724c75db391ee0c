"""The prior: streams in blocks, is a proper density, and depends only on its noise."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from model.config import PRESETS, ConfigError
from model.instrument import Instrument
from model.prior import DIGEST_BYTES, Prior, PriorConfig, StreamingPrior, encoder_digest

CONFIG = PRESETS["tiny"]
DIMS, STYLE_DIMS = CONFIG.structure_dims, CONFIG.encoder.style_dims


@pytest.fixture
def prior() -> Prior:
    torch.manual_seed(0)
    prior = Prior(CONFIG, PriorConfig(units=16, components=3)).eval()
    with torch.no_grad():
        for parameter in prior.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return prior


def dice(seed: int, rows: int = 1) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, DIMS, generator=generator), torch.rand(rows, 1, generator=generator)


@torch.no_grad()
def play_on(prior: Prior, ticks: int, temperature: float = 1.0) -> Tensor:
    """Draw structure from an empty start (S, K)."""
    player, tick = StreamingPrior(prior), torch.zeros(1, DIMS)
    state, warmth, drawn = player.initial_state(1), torch.full((1, 1), temperature), []
    for seed in range(ticks):
        tick, state = player(
            tick[:, :, None], torch.zeros(1, STYLE_DIMS), warmth, *dice(seed), state
        )
        drawn.append(tick[0])
    return torch.stack(drawn, dim=1)


@pytest.mark.parametrize("seed", range(3))
@torch.no_grad()
def test_chunked_equals_whole(prior: Prior, seed: int) -> None:
    torch.manual_seed(seed)
    blocks = [1, 7, 2, 30, 3]
    structure, style = torch.randn(2, DIMS, sum(blocks)), torch.randn(2, STYLE_DIMS)
    whole, end = prior(structure, style, prior.initial_state(2))
    state, means = prior.initial_state(2), []
    for last, count in zip(itertools.accumulate(blocks), blocks, strict=True):
        part, state = prior(structure[:, :, last - count : last], style, state)
        means.append(part.means)
    torch.testing.assert_close(torch.cat(means, dim=1), whole.means, atol=1e-5, rtol=0)
    for name, value in end.items():
        torch.testing.assert_close(state[name], value, atol=1e-5, rtol=0)


@torch.no_grad()
def test_surprise_agrees_with_the_mixture_of_torch(prior: Prior) -> None:
    structure, style = torch.randn(2, DIMS, 9), torch.randn(2, STYLE_DIMS)
    surprise, _ = prior.surprise(structure, style, prior.initial_state(2))
    mixture, _ = prior(structure[:, :, :-1], style, prior.initial_state(2))
    directions = prior.directions
    scales = directions @ torch.diag_embed(torch.exp(mixture.log_scales))
    gaussians = torch.distributions.MultivariateNormal(
        mixture.means @ directions.T, covariance_matrix=scales @ scales.mT
    )
    weights = torch.distributions.Categorical(logits=mixture.log_weights)
    expected = torch.distributions.MixtureSameFamily(weights, gaussians)
    wanted = -expected.log_prob(structure[:, :, 1:].transpose(1, 2))
    torch.testing.assert_close(surprise, wanted, atol=2e-2, rtol=1e-3)


@torch.no_grad()
def test_draws_follow_the_predicted_density(prior: Prior) -> None:
    """Mean and standard deviation of many draws of one tick match the mixture."""
    rows, player = 20_000, StreamingPrior(prior)
    heard, style = torch.randn(1, DIMS, 5), torch.randn(1, STYLE_DIMS)
    drawn, _ = player(
        heard.expand(rows, -1, -1),
        style.expand(rows, -1),
        torch.ones(rows, 1),
        *dice(0, rows),
        prior.initial_state(rows),
    )
    mixture, _ = prior(heard, style, prior.initial_state(1))
    weights = torch.exp(mixture.log_weights[0, -1])[:, None]
    means, scales = mixture.means[0, -1], torch.exp(mixture.log_scales[0, -1])
    mean = (weights * means).sum(dim=0)
    variance = (weights * (scales.square() + means.square())).sum(dim=0) - mean.square()
    along = torch.linalg.solve(prior.directions, drawn.T)
    torch.testing.assert_close(along.mean(dim=1), mean, atol=0.05, rtol=0)
    torch.testing.assert_close(along.std(dim=1), variance.sqrt(), atol=0.05, rtol=0.05)


@torch.no_grad()
def test_noise_matters_only_with_a_temperature_above_zero(prior: Prior) -> None:
    player, heard = StreamingPrior(prior), torch.randn(1, DIMS, 4)
    draws = {
        temperature: [
            player(
                heard,
                torch.zeros(1, STYLE_DIMS),
                torch.full((1, 1), temperature),
                *dice(seed),
                prior.initial_state(1),
            )[0]
            for seed in range(2)
        ]
        for temperature in (0.0, 1.0)
    }
    torch.testing.assert_close(*draws[0.0])
    assert not torch.allclose(*draws[1.0])


@pytest.mark.parametrize("uniform", [0.0, 0.5, 1 - 1e-8, 1.0])
@torch.no_grad()
def test_every_uniform_number_selects_one_component(prior: Prior, uniform: float) -> None:
    tick, _ = StreamingPrior(prior)(
        torch.randn(1, DIMS, 2),
        torch.zeros(1, STYLE_DIMS),
        torch.full((1, 1), 1e-9),
        torch.zeros(1, DIMS),
        torch.full((1, 1), uniform),
        prior.initial_state(1),
    )
    assert tick.abs().max() > 1e-3  # if none were chosen, the sum would be empty


def test_a_long_draw_stays_bounded_keeps_moving_and_is_reproducible(
    prior: Prior,
) -> None:
    drawn = play_on(prior, 1500)
    assert torch.isfinite(drawn).all()
    bound = drawn[:, :500].abs().max() * 3
    assert drawn[:, -500:].abs().max() < bound
    assert drawn[:, -500:].std(dim=1).min() > 0.1 * drawn[:, :500].std(dim=1).min()
    assert torch.equal(drawn[:, :200], play_on(prior, 200))


def test_a_preset_without_structure_has_no_prior() -> None:
    with pytest.raises(ConfigError, match="'seed' has no structure"):
        Prior(PRESETS["seed"])


@pytest.mark.parametrize("name", ["small", "base"])
def test_the_prior_is_smaller_than_2_mb(name: str) -> None:
    megabytes = 2 * sum(p.numel() for p in Prior(PRESETS[name]).parameters()) / 1e6
    assert megabytes < 2


def test_the_digest_identifies_the_encoder_and_survives_rounding() -> None:
    torch.manual_seed(0)
    encoder, other = Instrument(CONFIG).encoder, Instrument(CONFIG).encoder
    digest = encoder_digest(encoder)
    assert digest.shape == (DIGEST_BYTES,)
    assert not torch.equal(digest, encoder_digest(other))
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.copy_(parameter.half().float())
    assert torch.equal(digest, encoder_digest(encoder))
