"""Prior: a small causal network that draws structure tick by tick, so that music plays on.

MusicVAE generates music by drawing its latents; here style stays as the decks and knobs set it, and
structure is drawn: p(s[k+1] | s[..k], z). An LSTM reads the ticks so far and the style, and gives a
mixture of Gaussians (a mixture density network, Bishop 1994) in directions that all components
share (semi-tied covariances, Gales 1999): neighbouring bands rise and fall together, and a diagonal
Gaussian of the bands themselves would hiss.

Means are sums of the LSTM's bounded outputs, so what it draws stays in a bounded range, however
long it reads its own output.
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
    """Density of the tick that follows each tick: J components along S shared directions.

    ``log_weights`` (B, K, J) of the components, ``means`` and ``log_scales`` (B, K, J, S).
    """

    log_weights: Tensor
    means: Tensor
    log_scales: Tensor

    def log_density(self, along: Tensor) -> Tensor:
        """Log density (B, K) at ``along``, points (B, K, S) in coordinates of the directions."""
        distance = (along[:, :, None] - self.means) * torch.exp(-self.log_scales)
        gaussians = -0.5 * distance.square() - self.log_scales - 0.5 * math.log(2 * math.pi)
        return torch.logsumexp(self.log_weights + gaussians.sum(dim=3), dim=2)


class Prior(nn.Module):
    """Ticks of structure and a style to the density of each next tick.

    ``encoder_digest`` identifies the encoder whose structure it was trained on; with another
    encoder it is of no use.
    """

    def __init__(self, config: ModelConfig, sizes: PriorConfig | None = None) -> None:
        super().__init__()
        if not config.has_structure:
            raise ConfigError(
                f"preset '{config.preset}' has no structure for a prior to draw; choose one that "
                "has structure"
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
        """No ticks read yet."""
        return self.lstm.initial_state(batch)

    def forward(self, structure: Tensor, style: Tensor, state: State) -> tuple[Mixture, State]:
        """(B, S, K), (B, D), state -> ``Mixture`` of ticks 1..K, state."""
        held = style[:, :, None].expand(-1, -1, structure.shape[2])
        hidden, after = self.lstm(torch.cat([structure, held], dim=1), state)
        return self._mixture(self.to_mixture(hidden)), after

    def surprise(self, structure: Tensor, style: Tensor, state: State) -> tuple[Tensor, State]:
        """Negative log density of every tick after the first, in nats: (B, K - 1), and the state.

        Training keeps structure's power near 1, so values of encoders with one S can be compared.
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


class StreamingPrior(nn.Module):
    """Ticks so far to the next tick, drawn; ``prior.onnx``."""

    def __init__(self, prior: Prior) -> None:
        super().__init__()
        self.prior = prior

    def initial_state(self, batch: int) -> State:
        """No ticks read yet."""
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

        ``normal`` and ``uniform`` (0..1) are the random numbers. ``temperature`` scales the
        logarithm of the components' weights and the Gaussians' widths: 1 draws as trained, 0 takes
        the likeliest tick.
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
    """Draw one of J by weights (B, J) that sum to 1 and a number 0..1 (B, 1); one-hot (B, J)."""
    ends = torch.cumsum(weights, dim=1)[:, :-1]
    passed = (uniform >= ends).to(weights.dtype)
    # The last one has no end: with rounding, a uniform number might be beyond it.
    one = torch.ones_like(uniform)
    return torch.cat([one, passed], dim=1) - torch.cat([passed, 0 * one], dim=1)


def encoder_digest(encoder: Encoder) -> Tensor:
    """SHA-256 of the encoder's weights, (32,) bytes.

    In half precision, as a bundle stores them, so it is the same before and after an export.
    """
    digest = hashlib.sha256()
    for name, value in sorted(encoder.state_dict().items()):
        if value.is_floating_point():
            digest.update(name.encode() + value.detach().cpu().half().numpy().tobytes())
    return torch.tensor(list(digest.digest()), dtype=torch.uint8)


SMALLEST_LOG_SCALE = -4.0
"""Narrower Gaussians would only learn the encoder's rounding; log of a scale in spreads."""

COLDEST = 1e-3
"""Temperature at which the likeliest component is practically certain."""
