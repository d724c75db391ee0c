"""A bundle as measuring meets it: heard through the session that the server plays with."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from export.bundle.archive import read_bundle
from export.bundle.format import Bundle, Manifest
from model.config import FeatureConfig
from server.engine.runtime import RuntimeOptions, open_model
from server.engine.session import OrtDecoderSession
from training.measures.model_grid import ModelGrid
from training.measures.voice import Floats, Posteriors, blocks

PLAYED = ("style", "structure")
LOG_VARIANCE = "style_log_variance"
"""What the encoder of a bundle says for training; those of before --init-from do not."""

RESOLUTIONS = (4, 2, 1)
"""The image's windows as fractions of the longest, which is all that a manifest tells."""


class BundleVoice:
    """A bundle in ONNX Runtime on the processor.

    Raises:
        RuntimeUnavailable: a graph does not load.
    """

    def __init__(self, bundle: Bundle, threads: int = 1) -> None:
        options = RuntimeOptions(device="cpu", threads=threads)
        self.bundle = bundle
        self.grid = grid_of_manifest(bundle.manifest)
        self._encoder = open_model(bundle.encoder_onnx, options)
        self._decoder = OrtDecoderSession(bundle, options)
        told = {one.name for one in self._encoder.get_outputs()}
        self._asked = [*PLAYED, *({LOG_VARIANCE} & told)]

    def encode(self, windows: Floats) -> Posteriors:
        """See ``Voice.encode``; the bundle's encoder takes one window at a time."""
        runs = [self._encoder.run(self._asked, {"audio": window[None]}) for window in windows]
        styles, structures, *more = (np.concatenate(parts) for parts in zip(*runs, strict=True))
        return Posteriors(styles, structures, np.exp(0.5 * more[0]) if more else None)

    def play(self, style: Floats, structure: Floats, seed: int) -> Floats:
        """See ``Voice.play``."""
        manifest = self.bundle.manifest
        noise = (manifest.spectrum_bins, manifest.spectra_per_frame)
        self._decoder.reset()
        steps = [self._decoder.step(*block) for block in blocks(style, structure, noise, seed)]
        return np.asarray(np.concatenate([step.mean(axis=0) for step in steps]))


def open_bundle_voice(path: Path, threads: int = 1) -> BundleVoice:
    """The bundle in a file.

    Raises:
        BundleError: no bundle, or a damaged one.
        RuntimeUnavailable: a graph does not load.
    """
    return BundleVoice(read_bundle(path), threads)


def grid_of_manifest(manifest: Manifest) -> ModelGrid:
    """The grid of a bundle.

    Its image has windows of one, two and four times the shortest, as every preset has; the
    longest is what context and hop make together.
    """
    longest = manifest.context_samples + manifest.hop_samples
    return ModelGrid(
        preset=manifest.preset,
        features=FeatureConfig(
            sample_rate_hz=manifest.sample_rate_hz,
            hop_samples=manifest.hop_samples,
            mel_bins=manifest.mel_bins,
            window_samples=tuple(longest // part for part in RESOLUTIONS),
        ),
        frames_per_tick=manifest.frames_per_tick,
        clip_frames=manifest.clip_ticks * manifest.frames_per_tick,
        latency_samples=manifest.latency_samples,
        style_dims=manifest.style_dims,
        has_structure=manifest.has_structure,
    )
