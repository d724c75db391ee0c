"""Stage 4: the prior over structure, on the store as the frozen encoder hears it.

The loss is the surprise at every next tick: its negative log density in nats. It starts without
memory in the middle of music, as the prior does on stage when it is primed.
"""

from __future__ import annotations

import logging
from typing import Any

import torch
from torch import Tensor, nn

from model.instrument import Instrument
from model.modes import evaluating
from model.prior import Prior, encoder_digest
from training.objectives.objective import Objective
from training.objectives.structure_tracks import StructureTrack, TrackBatch, structure_tracks
from training.store.store import Store
from training.support.run_log import RunLog

logger = logging.getLogger(__name__)

STRETCH_TICKS = 192
"""Ticks of one item: nine seconds of the preset ``small``."""

HEARD_FIRST_TICKS = 16
"""Held-out surprise counts from there on: what comes first nobody could know."""

LEARNING_RATE_FACTOR = 4.0
"""Of the command line's: a small recurrent network takes larger steps than the convolutions."""


class PriorFitting(Objective):
    """The loss of stage 4."""

    def __init__(self, model: Instrument) -> None:
        super().__init__()
        self.prior = Prior(model.config)
        self.digest = encoder_digest(model.encoder)
        self.prior.encoder_digest.copy_(self.digest)

    def forward(self, batch: TrackBatch, step: int) -> dict[str, Tensor]:
        """Terms of the loss by name; ``total`` is the one to descend."""
        structure, style = batch.structure.float(), batch.style.float()
        state = self.prior.initial_state(len(structure))
        # In single precision: logarithms of densities of 60 numbers are sums of large terms.
        with torch.autocast(structure.device.type, enabled=False):
            surprise, _ = self.prior.surprise(structure, style, state)
        return {"total": surprise.mean()}

    def learned(self) -> dict[str, nn.Module]:
        """The prior, which belongs to this encoder whatever it began with."""
        self.prior.encoder_digest.copy_(self.digest)
        return {"prior": self.prior}

    def parameter_groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """One group, faster than the convolutions'."""
        return super().parameter_groups(LEARNING_RATE_FACTOR * learning_rate)

    def show(self, log: RunLog, store: Store, model: Instrument, step: int) -> None:
        """Surprise at held-out music."""
        tracks = structure_tracks(log.run, store, model, "heldout")
        if tracks:
            nats = heldout_surprise(self.prior, tracks)
            log.scalar("prior/heldout", nats, step)
            logger.info("prior: surprise at held-out music %.2f nats a tick", nats)


@torch.no_grad()
def heldout_surprise(prior: Prior, tracks: list[StructureTrack]) -> float:
    """Mean surprise in nats a tick, each track heard from its first tick to its last."""
    device = next(prior.parameters()).device
    total, ticks = 0.0, 0
    with evaluating(prior):
        for track in tracks:
            structure, style = track.structure.float()[None], track.style[None]
            surprise, _ = prior.surprise(
                structure.to(device), style.to(device), prior.initial_state(1)
            )
            total += float(surprise[:, HEARD_FIRST_TICKS:].sum())
            ticks += surprise[:, HEARD_FIRST_TICKS:].numel()
    return total / max(ticks, 1)
