"""Stage 4: the prior over structure, on the store as encoded by the frozen encoder.

The loss is the surprise at every next tick: its negative log density in nats. Every item starts
without memory in the middle of music, as the prior does when it is primed in play.
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
"""Length of one item: nine seconds with the preset ``small``."""

HEARD_FIRST_TICKS = 16
"""Ticks that held-out surprise leaves out: nothing could predict the first ones."""

LEARNING_RATE_FACTOR = 4.0
"""Of ``--learning-rate``: a small recurrent network takes larger steps than convolutions."""


class PriorFitting(Objective):
    """The loss of stage 4."""

    def __init__(self, model: Instrument) -> None:
        super().__init__()
        self.prior = Prior(model.config)
        self.digest = encoder_digest(model.encoder)
        self.prior.encoder_digest.copy_(self.digest)

    def forward(self, batch: TrackBatch, step: int) -> dict[str, Tensor]:
        """Return the surprise as ``total``, the only term."""
        structure, style = batch.structure.float(), batch.style.float()
        state = self.prior.initial_state(len(structure))
        # In single precision: the log density of 60 numbers is a sum of large terms.
        with torch.autocast(structure.device.type, enabled=False):
            surprise, _ = self.prior.surprise(structure, style, state)
        return {"total": surprise.mean()}

    def learned(self) -> dict[str, nn.Module]:
        """The prior, marked with the encoder that it is trained with."""
        self.prior.encoder_digest.copy_(self.digest)
        return {"prior": self.prior}

    def parameter_groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """One group, with a higher learning rate than the convolutions."""
        return super().parameter_groups(LEARNING_RATE_FACTOR * learning_rate)

    def show(self, log: RunLog, store: Store, model: Instrument, step: int) -> None:
        """Log the surprise at held-out music."""
        tracks = structure_tracks(log.run, store, model, "heldout")
        if tracks:
            nats = heldout_surprise(self.prior, tracks)
            log.scalar("prior/heldout", nats, step)
            logger.info("prior: surprise at held-out music %.2f nats a tick", nats)


@torch.no_grad()
def heldout_surprise(prior: Prior, tracks: list[StructureTrack]) -> float:
    """Mean surprise in nats a tick, over whole tracks."""
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
