"""Held-out clips as pictures, true above decoded: a loss can be low while the notes are a blur."""

from __future__ import annotations

import torch
from torch import Tensor

from model.config import ModelConfig
from model.features import LogMelImage
from model.instrument import Instrument, reconstruct
from model.modes import evaluating
from training.data import ClipPairs
from training.progress import RunLog
from training.store import Store


@torch.no_grad()
def held_out_images(store: Store, config: ModelConfig, clips: int = 4) -> Tensor:
    """The same few held-out clips each time, (B, 3, M, N); of the training part if none is held."""
    split = "heldout" if store.split("heldout") else "train"
    pairs = ClipPairs(store, config.input_samples, clips, 1, seed=1, split=split)
    return LogMelImage(config.features)(pairs[0].audio[:, 0])


def show_images(log: RunLog, store: Store, model: Instrument, step: int) -> None:
    """Write a picture for each held-out clip and the L1 of all of them."""
    device = next(model.parameters()).device
    image = held_out_images(store, model.config).to(device)
    with evaluating(model):
        decoded = reconstruct(model, image)
    for index, (true, mine) in enumerate(zip(image, decoded, strict=True)):
        log.picture(f"heldout/{index}", [true[1], mine[1]], step)
    log.writer.add_scalar("heldout/image", (decoded - image).abs().mean(), step)
