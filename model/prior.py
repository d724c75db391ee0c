"""What may come next: a small causal network over ticks of structure, so that music plays on.

MusicVAE plays from nothing by drawing its latents; here style stays what the decks and knobs say,
and it is structure that is drawn, tick by tick: p(s[k+1] | s[..k], z). An LSTM hears the ticks so
far and the style; what it says is a mixture of Gaussians (a mixture density network, Bishop
1994) in directions that all components share (semi-tied covariances, Gales 1999): neighbouring
bands rise and fall together, and a diagonal Gaussian of the bands themselves would hiss.

Means are sums of the LSTM's bounded outputs, so whatever it hears of itself, for however long,
what it draws stays in a bounded range.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.config import ConfigError, ModelConfig
from model.encoder import Encoder
from model.streaming import State, StreamingLSTM

DIGEST_BYTES = 32


@dataclass(frozen=True)
class PriorConfig:
    """Sizes of the prior; one for every preset that has structure."""

    units: int = 256
    components: int = 8


@dataclass(frozen=True)
class Mixture:
    """Density of the tick after each tick: J components along S shared directions.

    ``log_weights`` (B, K, J) of the components, ``means`` and ``log_scales`` (B, K, J, S).
    """

    log_weights: Tensor
    means: Tensor
    log_scales: Tensor

    def log_density(self, along: Tensor) -> Tensor:
        """Natural logarithm of the density at (B, K, S), given along the directions: (B, K)."""
        distance = (along[:, :, None] - self.means) * torch.exp(-self.log_scales)
        gaussians = -0.5 * distance.square() - self.log_scales - 0.5 * math.log(2 * math.pi)
        return torch.logsumexp(self.log_weights + gaussians.sum(dim=3), dim=2)


class Prior(nn.Module):
    """Ticks of structure and a style to the density of each tick's successor.

    ``encoder_digest`` names the encoder whose structure it has learned: of another's it knows
    nothing.
    """

    def __init__(self, config: ModelConfig, sizes: PriorConfig | None = None) -> None:
        super().__init__()
        if not config.has_structure:
            raise ConfigError(
                f"preset '{config.preset}' has no structure that a prior could play on with; "
                "choose one that has"
            )
        sizes = sizes or PriorConfig()
        self.components = sizes.components
        self.dims = dims = config.structure_dims
        self.style_dims = config.encoder.style_dims
        self.lstm = StreamingLSTM("prior.lstm", dims + self.style_dims, sizes.units)
        self.to_mixture = nn.Conv1d(sizes.units, sizes.components * (2 * dims + 1), 1)
        nn.init.normal_(self.to_mixture.weight, std=0.02)
        self.directions = nn.Parameter(torch.eye(dims))
        self.register_buffer("encoder_digest", torch.zeros(DIGEST_BYTES, dtype=torch.uint8))
        self.encoder_digest: Tensor

    def initial_state(self, batch: int) -> State:
        """Nothing heard yet."""
        return self.lstm.initial_state(batch)

    def forward(self, structure: Tensor, style: Tensor, state: State) -> tuple[Mixture, State]:
        """(B, S, K), (B, D), state -> ``Mixture`` of ticks 1..K, state."""
        held = style[:, :, None].expand(-1, -1, structure.shape[2])
        hidden, after = self.lstm(torch.cat([structure, held], dim=1), state)
        return self._mixture(self.to_mixture(hidden)), after

    def surprise(self, structure: Tensor, style: Tensor, state: State) -> tuple[Tensor, State]:
        """Negative log density of every tick after the first, in nats: (B, K - 1), and the state.

        Training keeps structure's power near 1, so it compares between encoders of one S.
        """
        mixture, after = self(structure[:, :, :-1], style, state)
        along = torch.linalg.solve(self.directions.float(), structure[:, :, 1:].float())
        along = along.transpose(1, 2)
        volume = torch.linalg.slogdet(self.directions.float())[1]
        return volume - mixture.log_density(along), after

    def _mixture(self, numbers: Tensor) -> Mixture:
        """(B, J (2 S + 1), K) -> ``Mixture``."""
        per_tick = numbers.float().transpose(1, 2)
        weights, rest = per_tick[:, :, : self.components], per_tick[:, :, self.components :]
        rest = rest.reshape(rest.shape[0], -1, self.components, 2 * self.dims)
        means, scales = rest[..., : self.dims], rest[..., self.dims :]
        log_scales = SMALLEST_LOG_SCALE + functional.softplus(scales - SMALLEST_LOG_SCALE)
        return Mixture(torch.log_softmax(weights, dim=2), means, log_scales)


class PriorPlayer(nn.Module):
    """Ticks heard to the tick that is drawn next; ``prior.onnx``."""

    def __init__(self, prior: Prior) -> None:
        super().__init__()
        self.prior = prior

    def initial_state(self, batch: int) -> State:
        """Nothing heard yet."""
        return self.prior.initial_state(batch)

    def forward(
        self,
        structure: Tensor,
        style: Tensor,
        temperature: Tensor,
        normal: Tensor,
        uniform: Tensor,
        state: State,
    ) -> tuple[Tensor, State]:
        """(B, S, K), (B, D), (B, 1), (B, S), (B, 1), state -> (B, S), state.

        ``normal`` and ``uniform`` (0..1) are the dice. ``temperature`` scales the logarithm of the
        components' weights and the Gaussians' widths: 1 draws as learned, 0 takes the likeliest.
        """
        prior = self.prior
        mixture, after = prior(structure, style, state)
        sharpness = 1 / temperature.clamp(min=COLDEST)
        weights = torch.softmax(mixture.log_weights[:, -1] * sharpness, dim=1)
        chosen = _draw(weights, uniform)[:, :, None]
        mean = (mixture.means[:, -1] * chosen).sum(dim=1)
        scale = (torch.exp(mixture.log_scales[:, -1]) * chosen).sum(dim=1)
        along = mean + scale * temperature * normal
        return along @ prior.directions.T, after


def _draw(weights: Tensor, uniform: Tensor) -> Tensor:
    """Weights (B, J) that sum to 1 and a number 0..1 (B, 1) -> one of J as ones and zeros."""
    ends = torch.cumsum(weights, dim=1)[:, :-1]
    passed = (uniform >= ends).to(weights.dtype)
    # The last one needs no end: rounding must not leave a uniform number beyond it.
    one = torch.ones_like(uniform)
    return torch.cat([one, passed], dim=1) - torch.cat([passed, 0 * one], dim=1)


def encoder_digest(encoder: Encoder) -> Tensor:
    """SHA-256 of the encoder's weights, (32,) bytes: the same before and after an export.

    Taken in half precision, as a bundle stores them.
    """
    digest = hashlib.sha256()
    for name, value in sorted(encoder.state_dict().items()):
        if value.is_floating_point():
            digest.update(name.encode() + value.detach().cpu().half().numpy().tobytes())
    return torch.tensor(list(digest.digest()), dtype=torch.uint8)


SMALLEST_LOG_SCALE = -4.0
"""Gaussians narrower than that, in spreads, would only learn the encoder's rounding."""

COLDEST = 1e-3
"""Temperature below which the likeliest component is as good as certain."""
