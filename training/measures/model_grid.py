"""The time and frequency grid of a model, the same for a run and for a bundle."""

from __future__ import annotations

from dataclasses import dataclass

from model.config import FeatureConfig, ModelConfig


@dataclass(frozen=True)
class ModelGrid:
    """Sizes of frames, ticks, clips and latents; units as in ``model.config``."""

    preset: str
    features: FeatureConfig
    frames_per_tick: int
    clip_frames: int
    latency_samples: int
    style_dims: int
    has_structure: bool

    @property
    def sample_rate_hz(self) -> int:
        """Sample rate of every sound."""
        return self.features.sample_rate_hz

    @property
    def hop_samples(self) -> int:
        """Samples in one frame."""
        return self.features.hop_samples

    @property
    def context_samples(self) -> int:
        """Samples the image needs beyond its frames, half of them on each side."""
        return self.features.context_samples

    @property
    def clip_samples(self) -> int:
        """Samples in one encoder window, without context."""
        return self.clip_frames * self.hop_samples

    @property
    def frames_per_second(self) -> float:
        """Frames in a second."""
        return self.sample_rate_hz / self.hop_samples

    def frames_of(self, seconds: float) -> int:
        """Frames in ``seconds``, rounded to whole ticks, at least one."""
        ticks = round(seconds * self.frames_per_second / self.frames_per_tick)
        return max(ticks, 1) * self.frames_per_tick


def grid_of_config(config: ModelConfig) -> ModelGrid:
    """The grid of a run."""
    return ModelGrid(
        preset=config.preset,
        features=config.features,
        frames_per_tick=config.encoder.frames_per_tick,
        clip_frames=config.clip_frames,
        latency_samples=config.latency_samples,
        style_dims=config.encoder.style_dims,
        has_structure=config.has_structure,
    )
