"""The statistics of styles in the training music, which give a knob its unit, the spread."""

from __future__ import annotations

import torch
from torch import Tensor

from model.features import LogMelImage
from model.instrument import Instrument
from model.modes import evaluating
from training.store.clip_pairs import ClipPairs
from training.store.store import Store


@torch.no_grad()
def measure_style_space(
    model: Instrument, store: Store, batches: int = 16, clips: int = 16
) -> dict[str, Tensor]:
    """Mean (D,) and covariance (D, D) of the style means of training clips, drawn by length."""
    config = model.config
    pairs = ClipPairs(store, config.input_samples, clips, batches, seed=2, same_score_share=0)
    device = next(model.parameters()).device
    features = LogMelImage(config.features).to(device)
    clips_of = (pairs[index].audio[:, 0].to(device) for index in range(batches))
    with evaluating(model):
        styles = torch.cat([model.encoder(features(audio)).style_mean for audio in clips_of]).cpu()
    return {"mean": styles.mean(dim=0), "covariance": torch.cov(styles.T)}
