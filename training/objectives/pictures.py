"""Held-out clips as pictures, true above generated: a loss can be low while notes are a blur."""

from __future__ import annotations

import torch
from torch import Tensor

from model.config import ModelConfig
from model.features import LogMelImage
from model.instrument import Instrument, excitation, reconstruct
from model.modes import evaluating
from training.store.clip_pairs import ClipPairs
from training.store.store import Store
from training.support.precision import exact_features
from training.support.run_log import RunLog


@torch.no_grad()
def held_out_images(store: Store, config: ModelConfig, clips: int = 4) -> Tensor:
    """The same few held-out clips each time, (B, 3, M, N); training clips if none are held out."""
    split = "heldout" if store.split("heldout") else "train"
    pairs = ClipPairs(store, config.input_samples, clips, 1, seed=1, split=split)
    return LogMelImage(config.features)(pairs[0].audio[:, 0])


@torch.no_grad()
def show_images(log: RunLog, store: Store, model: Instrument, step: int) -> None:
    """Log the decoder's image of each held-out clip below the true one, and the mean L1."""
    image = _on_device_of(model, store)
    with evaluating(model):
        decoded = reconstruct(model, image)
    _draw(log, image, decoded, step)


@torch.no_grad()
def show_sounds(log: RunLog, store: Store, model: Instrument, step: int) -> None:
    """Log the image of each held-out clip's vocoded sound below the true one, and the mean L1."""
    image = _on_device_of(model, store)
    with evaluating(model):
        sound = vocoded(model, image)
    features = LogMelImage(model.config.features).to(image.device)
    lead = lead_frames(model.config)
    generated = exact_features(features, sound)
    _draw(log, image[..., lead : lead + generated.shape[3]], generated, step)


def vocoded(model: Instrument, image: Tensor) -> Tensor:
    """Vocode images (B, 3, M, N) from silence, (B, T); the sound begins at ``lead_frames``."""
    noise = excitation(model.config, len(image), image.shape[3], image.device)
    sound, _ = model.vocoder(image, noise, model.vocoder.initial_state(len(image)))
    features = model.config.features
    # Sample 0 of frame n leaves ``latency`` later; its context begins half a context before it.
    first = lead_frames(model.config) * features.hop_samples - features.context_samples // 2
    return sound[:, 0, first + model.config.latency_samples :]


def lead_frames(config: ModelConfig) -> int:
    """Frames at a stream's start whose context begins before the stream does."""
    return -(-config.features.context_samples // 2 // config.features.hop_samples)


def _on_device_of(model: Instrument, store: Store) -> Tensor:
    return held_out_images(store, model.config).to(next(model.parameters()).device)


def _draw(log: RunLog, truth: Tensor, generated: Tensor, step: int) -> None:
    for index, (above, below) in enumerate(zip(truth, generated, strict=True)):
        log.picture(f"heldout/{index}", [above[1], below[1]], step)
    log.scalar("heldout/image", (generated - truth).abs().mean(), step)
