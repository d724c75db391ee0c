"""The voice of a bundle: encoder and decoder in ONNX Runtime, through the server's own session."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from export.audio.arrays import Floats
from export.bundle.archive import read_bundle
from export.bundle.format import Bundle, Manifest
from model.config import FeatureConfig
from server.engine.runtime import RuntimeOptions, open_model
from server.engine.session import OrtDecoderSession
from server.engine.synthesis import open_synthesis
from training.measures.model_grid import ModelGrid
from training.measures.voice import Posteriors, blocks

PLAYED = ("style", "structure")
LOG_VARIANCE = "style_log_variance"
"""An output of the encoder that --init-from needs; older bundles lack it."""

RESOLUTIONS = (4, 2, 1)
"""The image's windows as divisors of the longest, the only one that a manifest determines."""


class BundleVoice:
    """A bundle in ONNX Runtime on the CPU.

    Raises:
        RuntimeUnavailable: a graph does not load.
    """

    def __init__(self, bundle: Bundle, threads: int = 1) -> None:
        options = RuntimeOptions(device="cpu", threads=threads)
        self.bundle = bundle
        self.grid = grid_of_manifest(bundle.manifest)
        self._encoder = open_model(bundle.encoder_onnx, options)
        self._decoder = OrtDecoderSession(bundle, options)
        available = {output.name for output in self._encoder.get_outputs()}
        self._outputs = [*PLAYED, *({LOG_VARIANCE} & available)]

    def encode(self, windows: Floats) -> Posteriors:
        """See ``Voice.encode``; the bundle's encoder takes one window at a time."""
        runs = [self._encoder.run(self._outputs, {"audio": window[None]}) for window in windows]
        styles, structures, *log_variances = (
            np.concatenate(parts) for parts in zip(*runs, strict=True)
        )
        deviations = np.exp(0.5 * log_variances[0]) if log_variances else None
        return Posteriors(styles, structures, deviations)

    def play(self, style: Floats, structure: Floats, seed: int) -> Floats:
        """See ``Voice.play``."""
        manifest = self.bundle.manifest
        noise = (manifest.spectrum_bins, manifest.spectra_per_frame)
        self._decoder.reset()
        synthesis = open_synthesis(manifest, seed)
        parts = [
            synthesis.play(self._decoder.step(*block), block[2].T, (), is_knob=False)
            for block in blocks(style, structure, noise, seed)
        ]
        return np.concatenate(parts, axis=1).mean(axis=0)


def open_bundle_voice(path: Path, threads: int = 1) -> BundleVoice:
    """Open the bundle in a file.

    Raises:
        BundleError: no bundle there, or a damaged one.
        RuntimeUnavailable: a graph does not load.
    """
    return BundleVoice(read_bundle(path), threads)


def grid_of_manifest(manifest: Manifest) -> ModelGrid:
    """The grid of a bundle.

    Its image has windows of one, two and four times the shortest, as in every preset; the
    longest is context plus hop.
    """
    longest = manifest.context_samples + manifest.hop_samples
    return ModelGrid(
        preset=manifest.preset,
        features=FeatureConfig(
            sample_rate_hz=manifest.sample_rate_hz,
            hop_samples=manifest.hop_samples,
            mel_bins=manifest.mel_bins,
            window_samples=tuple(longest // part for part in RESOLUTIONS),
            lowest_hz=manifest.lowest_hz,
            highest_hz=manifest.top_hz,
        ),
        frames_per_tick=manifest.frames_per_tick,
        clip_frames=manifest.clip_ticks * manifest.frames_per_tick,
        latency_samples=manifest.latency_samples,
        style_dims=manifest.style_dims,
        has_structure=manifest.has_structure,
    )
