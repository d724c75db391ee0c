"""The presets: every number of the instrument, each in one place.

Shape letters of every public docstring in this project:

    B batch         C audio channels    T samples       N frames (hop rate)
    M mel bins      K ticks             D style dims    S structure dims
    F frequency bins of the vocoder's spectrum

Time runs on three grids. One frame is ``hop_samples`` samples; one tick of structure is
``frames_per_tick`` frames; the vocoder makes ``spectra_per_frame`` short-time spectra a frame.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any


class ConfigError(ValueError):
    """A preset or stored configuration that no model can be built from."""


@dataclass(frozen=True)
class FeatureConfig:
    """Three log-mel spectrograms with one hop, stacked as the channels of an image."""

    sample_rate_hz: int
    hop_samples: int
    mel_bins: int
    window_samples: tuple[int, ...] = (1024, 2048, 4096)
    lowest_hz: float = 30.0
    highest_hz: float | None = None
    floor_db: float = -80.0

    @property
    def top_hz(self) -> float:
        """Upper end of the mel filters: ``highest_hz``, by default half the sample rate."""
        return self.sample_rate_hz / 2 if self.highest_hz is None else self.highest_hz

    @property
    def context_samples(self) -> int:
        """Samples a clip needs beyond its frames, half of them on each side."""
        return max(self.window_samples) - self.hop_samples


@dataclass(frozen=True)
class EncoderConfig:
    """ResNet34 without its last stage, then a structure map and a style LSTM.

    ``widths`` of (64, 128, 256) are torchvision's, so its ImageNet weights fit; a narrower
    trunk keeps the depth. Strides along time multiply to ``frames_per_tick``.
    """

    widths: tuple[int, ...] = (64, 128, 256)
    depths: tuple[int, ...] = (3, 4, 6)
    stem_time_stride: int = 2
    pool_time_stride: int = 1
    lstm_units: int = 128
    style_dims: int = 32
    structure_channels: int = 2
    structure_noise: float = 0.5

    @property
    def frames_per_tick(self) -> int:
        """Frames of input for one column of the structure map."""
        return self.stem_time_stride * self.pool_time_stride

    @property
    def frequency_stride(self) -> int:
        """Mel bins for one band of the structure map (stem and pooling halve, nothing else)."""
        return 4


@dataclass(frozen=True)
class DecoderConfig:
    """LSTM, whose output joins the structure map, then transposed convolutions up to the mel bins.

    ``conductor_units`` above 0 puts MusicVAE's conductor before the LSTM; it follows the phase code
    that only a model without structure has.
    """

    lstm_units: int = 512
    lstm_layers: int = 1
    map_channels: int = 16
    widths: tuple[int, ...] = (96, 64, 32)
    time_kernel: int = 3
    conductor_units: int = 0


@dataclass(frozen=True)
class VocoderConfig:
    """Causal ConvNeXt on mels, then magnitudes and phase advances of short-time spectra."""

    width: int = 384
    blocks: int = 6
    time_kernel: int = 7
    window_samples: int = 2048
    spectra_per_frame: int = 1


@dataclass(frozen=True)
class ModelConfig:
    """Everything that is needed to build a model."""

    preset: str
    features: FeatureConfig
    encoder: EncoderConfig
    decoder: DecoderConfig
    vocoder: VocoderConfig
    clip_frames: int
    channels: int = 1

    def __post_init__(self) -> None:
        if not self.features.lowest_hz < self.features.top_hz <= self.features.sample_rate_hz / 2:
            raise ConfigError(
                f"mel filters from {self.features.lowest_hz:g} to {self.features.top_hz:g} Hz must "
                f"be in order and below half of {self.features.sample_rate_hz} Hz"
            )
        bands, rest = divmod(self.features.mel_bins, self.encoder.frequency_stride)
        if rest:
            raise ConfigError(
                f"{self.features.mel_bins} mel bins do not divide into bands of "
                f"{self.encoder.frequency_stride}; choose a multiple"
            )
        if self.clip_frames % self.encoder.frames_per_tick:
            raise ConfigError(
                f"a clip of {self.clip_frames} frames is not a whole number of ticks of "
                f"{self.encoder.frames_per_tick} frames"
            )
        if self.features.hop_samples % self.vocoder.spectra_per_frame:
            raise ConfigError(
                f"a hop of {self.features.hop_samples} samples does not divide into "
                f"{self.vocoder.spectra_per_frame} spectra"
            )
        if self.vocoder.window_samples % self.synthesis_hop_samples:
            raise ConfigError(
                f"a synthesis window of {self.vocoder.window_samples} samples is not a multiple of "
                f"its hop of {self.synthesis_hop_samples}"
            )
        if self.vocoder.window_samples not in self.features.window_samples:
            raise ConfigError(
                f"the vocoder's window of {self.vocoder.window_samples} samples must be one of the "
                f"image's: {', '.join(map(str, self.features.window_samples))}"
            )
        if 2 ** (len(self.decoder.widths) - 1) != self.encoder.frequency_stride:
            raise ConfigError(
                f"{len(self.decoder.widths)} decoder widths double the bands to "
                f"{bands * 2 ** (len(self.decoder.widths) - 1)} mel bins, "
                f"not {self.features.mel_bins}"
            )
        if self.decoder.conductor_units and self.has_structure:
            raise ConfigError(
                f"a conductor of {self.decoder.conductor_units} units follows the phase code, "
                f"which a model with {self.encoder.structure_channels} structure channels lacks; "
                "one of the two must be 0"
            )

    @property
    def bands(self) -> int:
        """Bands of the structure map, from low to high frequency."""
        return self.features.mel_bins // self.encoder.frequency_stride

    @property
    def has_structure(self) -> bool:
        """False for the preset ``seed``, whose latent is time-independent only."""
        return self.encoder.structure_channels > 0

    @property
    def structure_dims(self) -> int:
        """S as the decoder reads it: channels x bands, or the fixed phase code of ``seed``."""
        if not self.has_structure:
            return PHASE_CODE_DIMS
        return self.encoder.structure_channels * self.bands

    @property
    def clip_ticks(self) -> int:
        """K of one encoder window."""
        return self.clip_frames // self.encoder.frames_per_tick

    @property
    def clip_samples(self) -> int:
        """Samples of one clip's frames, without context."""
        return self.clip_frames * self.features.hop_samples

    @property
    def input_samples(self) -> int:
        """Samples the encoder reads for one clip, with context on both sides."""
        return self.clip_samples + self.features.context_samples

    @property
    def synthesis_hop_samples(self) -> int:
        """Samples between two of the vocoder's spectra."""
        return self.features.hop_samples // self.vocoder.spectra_per_frame

    @property
    def spectrum_bins(self) -> int:
        """F: bins of one of the vocoder's spectra."""
        return self.vocoder.window_samples // 2 + 1

    @property
    def latency_samples(self) -> int:
        """Lag of decoded audio behind the frames it was decoded from.

        A spectrum centred on its hop starts to sound half a window before the centre, and block n
        leaves once spectrum n is there, so the lag is (window - synthesis hop) / 2.
        """
        return (self.vocoder.window_samples - self.synthesis_hop_samples) // 2

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, which ``from_dict`` reads back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> ModelConfig:
        """Build a configuration from ``to_dict``.

        Raises:
            ConfigError: a part or a field is missing or unknown, or they do not fit together.
        """
        parts = {
            "features": FeatureConfig,
            "encoder": EncoderConfig,
            "decoder": DecoderConfig,
            "vocoder": VocoderConfig,
        }
        try:
            built = {name: kind(**_tuples(stored[name])) for name, kind in parts.items()}
            rest = {name: value for name, value in stored.items() if name not in parts}
            return cls(**built, **rest)
        except (TypeError, KeyError) as error:
            raise ConfigError(f"stored configuration does not fit this version: {error}") from error


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}


PHASE_CODE_DIMS = 16
"""Sines and cosines of the position in the clip, which ``seed`` has instead of structure."""

TAUGHT_KNOBS = (
    "brightness",
    "loudness",
    "noisiness",
    "bandwidth",
    "attack",
    "pitch",
    "density",
)
"""Knobs that the first style dimensions are taught, in order; a smaller style has fewer."""

WHOLE_BAND_TOP_HZ = 21582.22096
"""Upper end of 96 mel bins that are as wide as ``small``'s 80 between 30 Hz and 11,025 Hz: on the
Slaney scale their corners are (mel(11025) - mel(30)) / 81 apart, and 96 bins have 97 of these."""

_SMALL_FEATURES = FeatureConfig(sample_rate_hz=22050, hop_samples=512, mel_bins=80)
_SMALL_ENCODER = EncoderConfig(
    widths=(24, 48, 96), lstm_units=64, style_dims=16, structure_channels=3
)
_SMALL_DECODER = DecoderConfig(lstm_units=256, map_channels=8, widths=(64, 48, 28))
_SMALL_VOCODER = VocoderConfig(width=256, blocks=6, window_samples=1024, spectra_per_frame=2)

PRESETS: dict[str, ModelConfig] = {
    config.preset: config
    for config in (
        ModelConfig(
            preset="base",
            features=FeatureConfig(sample_rate_hz=44100, hop_samples=256, mel_bins=128),
            encoder=EncoderConfig(pool_time_stride=2),
            decoder=DecoderConfig(lstm_units=384),
            vocoder=VocoderConfig(),
            clip_frames=512,
        ),
        ModelConfig(
            preset="full",
            features=FeatureConfig(
                sample_rate_hz=44100,
                hop_samples=1024,
                mel_bins=96,
                window_samples=(2048, 4096, 8192),
                highest_hz=WHOLE_BAND_TOP_HZ,
            ),
            encoder=_SMALL_ENCODER,
            decoder=_SMALL_DECODER,
            vocoder=replace(_SMALL_VOCODER, window_samples=2048),
            clip_frames=128,
        ),
        ModelConfig(
            preset="small",
            features=_SMALL_FEATURES,
            encoder=_SMALL_ENCODER,
            decoder=_SMALL_DECODER,
            vocoder=_SMALL_VOCODER,
            clip_frames=128,
        ),
        ModelConfig(
            preset="tiny",
            features=FeatureConfig(
                sample_rate_hz=16000,
                hop_samples=256,
                mel_bins=32,
                window_samples=(256, 512, 1024),
            ),
            encoder=EncoderConfig(widths=(8, 8, 8), depths=(1, 1, 1), lstm_units=16, style_dims=8),
            decoder=DecoderConfig(lstm_units=32, map_channels=4, widths=(12, 8, 8)),
            vocoder=VocoderConfig(width=32, blocks=2, window_samples=512, spectra_per_frame=2),
            clip_frames=64,
        ),
        ModelConfig(
            preset="seed",
            features=_SMALL_FEATURES,
            encoder=EncoderConfig(
                widths=(24, 48, 96), lstm_units=64, style_dims=128, structure_channels=0
            ),
            decoder=replace(_SMALL_DECODER, conductor_units=256),
            vocoder=_SMALL_VOCODER,
            clip_frames=128,
        ),
    )
}


def preset(name: str) -> ModelConfig:
    """The configuration called ``name``.

    Raises:
        ConfigError: no such preset.
    """
    try:
        return PRESETS[name]
    except KeyError:
        allowed = ", ".join(PRESETS)
        raise ConfigError(f"no preset '{name}'; choose one of {allowed}") from None
