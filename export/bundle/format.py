"""The contents of a bundle as frozen dataclasses, and the limits on them.

Shape letters as in ``model/config.py``: C channels, N frames, K ticks, D style dims, S structure
dims, F bins of the vocoder's spectrum; W windows of one encoded file. Standard library and numpy
only: the server reads bundles and never imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.bundle.beats import Beats
from export.bundle.mel import to_hz, to_mels

FORMAT_VERSION = 2
"""Written; 1, whose decoder gives sound instead of spectra, is read as well."""
READABLE_FORMATS = (1, FORMAT_VERSION)
MANIFEST, ENCODER, DECODER = "manifest.json", "encoder.onnx", "decoder.onnx"
PRIOR = "prior.onnx"
LATENTS, DIMENSIONS, DECK_INDEX = "latents.npz", "dimensions.json", "decks/index.json"
FIXED_MEMBERS = (MANIFEST, ENCODER, DECODER, LATENTS, DIMENSIONS, DECK_INDEX)
OPTIONAL_MEMBERS = (PRIOR,)

SLUG_PATTERN = r"[a-z0-9][a-z0-9_-]{0,63}"
DECK_PATTERN = rf"decks/({SLUG_PATTERN})\.npz"
RECORDING_PATTERN = rf"decks/({SLUG_PATTERN})\.ogg"

MAX_TOTAL_BYTES = 200_000_000
MAX_MODEL_BYTES = 150_000_000
MAX_ARRAYS_BYTES = 40_000_000
MAX_RECORDING_BYTES = 40_000_000
MAX_JSON_BYTES = 2_000_000
MAX_MEMBERS = 256

OFFSET_RANGE = (-3.0, 3.0)
"""Default useful range of a style offset, in spreads."""


class BundleError(ValueError):
    """A bundle that cannot be read or written; the message is one line with file and fault."""


@dataclass(frozen=True)
class StateSpec:
    """One stream state of the decoder: float32, zeros at the start of a stream."""

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Manifest:
    """The bundle's description: every number that playing needs, and its origin."""

    name: str
    preset: str
    sample_rate_hz: int
    hop_samples: int
    channels: int
    mel_bins: int
    style_dims: int
    structure_dims: int
    structure_channels: int
    structure_bands: int
    frames_per_tick: int
    clip_samples: int
    input_samples: int
    context_samples: int
    clip_ticks: int
    spectrum_bins: int
    spectra_per_frame: int
    latency_samples: int
    loudness_lufs: float
    states: tuple[StateSpec, ...]
    has_structure: bool
    licence: str
    attribution: tuple[str, ...] = ()
    parity: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    quality: Mapping[str, Any] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)
    window_samples: int = 0
    """Length of the window of the decoder's spectra; 0 in format 1."""
    lowest_hz: float = 30.0
    highest_hz: float = 0.0
    """Upper end of the mel filters; 0 is half the sample rate, as always in format 1."""
    format: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        require_readable(self.format)
        for name, (least, most) in _INTEGER_LIMITS.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise BundleError(f"{name} is {value}, allowed is {least} to {most}")
        if self.input_samples != self.clip_samples + self.context_samples:
            raise BundleError(
                f"input_samples is {self.input_samples}, not clip_samples + context_samples = "
                f"{self.clip_samples + self.context_samples}"
            )
        if self.clip_samples != self.clip_ticks * self.tick_samples:
            raise BundleError(
                f"clip_samples is {self.clip_samples}, not clip_ticks x frames_per_tick x "
                f"hop_samples = {self.clip_ticks * self.tick_samples}"
            )
        if self.has_structure and self.structure_dims != (
            self.structure_channels * self.structure_bands
        ):
            raise BundleError(
                f"structure_dims is {self.structure_dims}, not channels x bands = "
                f"{self.structure_channels * self.structure_bands}"
            )
        if not 0 <= self.lowest_hz < self.top_hz <= self.sample_rate_hz / 2:
            raise BundleError(
                f"mel filters from {self.lowest_hz:g} to {self.top_hz:g} Hz do not fit a sample "
                f"rate of {self.sample_rate_hz} Hz"
            )
        if self.gives_spectra:
            self._check_spectra()

    def _check_spectra(self) -> None:
        """Refuse a window and hops that spectra cannot be overlapped with."""
        if self.window_samples != 2 * (self.spectrum_bins - 1):
            raise BundleError(
                f"window_samples is {self.window_samples}, not 2 x (spectrum_bins - 1) = "
                f"{2 * (self.spectrum_bins - 1)}"
            )
        if self.hop_samples % self.spectra_per_frame:
            raise BundleError(
                f"hop_samples is {self.hop_samples}, not a multiple of spectra_per_frame = "
                f"{self.spectra_per_frame}"
            )
        if not self.window_samples or self.window_samples % self.spectrum_hop_samples:
            raise BundleError(
                f"window_samples is {self.window_samples}, not a multiple of the spectra's hop of "
                f"{self.spectrum_hop_samples} samples"
            )
        if self.channels != 1:
            raise BundleError(f"channels is {self.channels}; spectra are of one channel")

    @property
    def top_hz(self) -> float:
        """Upper end of the mel filters."""
        return self.highest_hz or self.sample_rate_hz / 2

    @property
    def band_edges_hz(self) -> tuple[float, ...]:
        """The frequencies between which the bands of structure lie; empty without structure."""
        if not self.structure_bands:
            return ()
        low, high = to_mels(np.array([self.lowest_hz, self.top_hz]))
        bins = self.mel_bins / self.structure_bands
        places = np.arange(self.structure_bands + 1) * bins + 0.5
        edges = to_hz(low + places * (high - low) / (self.mel_bins + 1))
        return tuple(edges.tolist())

    @property
    def gives_spectra(self) -> bool:
        """True if the decoder gives spectra, to which detail can be added; else it gives sound."""
        return self.format >= 2

    @property
    def spectrum_hop_samples(self) -> int:
        """Samples between two spectra of the decoder."""
        return self.hop_samples // self.spectra_per_frame

    @property
    def frame_s(self) -> float:
        """Length of a frame."""
        return self.hop_samples / self.sample_rate_hz

    @property
    def latency_s(self) -> float:
        """Lag of decoded sound behind the frames it was decoded from."""
        return self.latency_samples / self.sample_rate_hz

    @property
    def tick_samples(self) -> int:
        """Samples between two columns of structure."""
        return self.frames_per_tick * self.hop_samples


def require_readable(format_version: object) -> None:
    """Refuse bundles of an unknown format.

    Raises:
        BundleError: this program does not read that format.
    """
    if format_version not in READABLE_FORMATS:
        known = " and ".join(map(str, READABLE_FORMATS))
        raise BundleError(
            f"format version {format_version!r} is unknown to this program, which reads {known}; "
            "update the program or export the checkpoint again"
        )


_INTEGER_LIMITS: dict[str, tuple[int, int]] = {
    "sample_rate_hz": (4000, 192_000),
    "hop_samples": (16, 8192),
    "channels": (1, 8),
    "mel_bins": (1, 2048),
    "style_dims": (1, 1024),
    "structure_dims": (1, 8192),
    "structure_channels": (0, 1024),
    "structure_bands": (0, 2048),
    "frames_per_tick": (1, 64),
    "clip_samples": (1, 20_000_000),
    "input_samples": (1, 20_000_000),
    "context_samples": (0, 1_000_000),
    "clip_ticks": (1, 100_000),
    "spectrum_bins": (1, 65_536),
    "spectra_per_frame": (1, 64),
    "latency_samples": (0, 1_000_000),
    "window_samples": (0, 131_072),
}
MAX_STATES = 512
MAX_STATE_VALUES = 20_000_000


@dataclass(frozen=True)
class StyleStatistics:
    """Axes of the style space: an offset o (D,) in spreads moves z by rotation.T @ (o * spread).

    ``mean`` (D,), ``rotation`` (D,D) with orthonormal rows sorted by importance, ``spread`` (D,).
    """

    mean: NDArray[np.float32]
    rotation: NDArray[np.float32]
    spread: NDArray[np.float32]


@dataclass(frozen=True)
class Dimension:
    """One axis of the style space: its measured name (a slug) and effect, its range in spreads."""

    index: int
    name: str | None = None
    effect: float | None = None
    range: tuple[float, float] = OFFSET_RANGE


@dataclass(frozen=True)
class BundleDeck:
    """A library deck: style_mean (D,), style_track (W,D), style_ticks (W,), structure (S,K).

    ``style_ticks`` are the ticks of the windows' centres; structure is float16 to keep the file
    small; ``gain_db`` was applied to reach the manifest's loudness. Tempo, first beat and their
    confidence (0..1) are None if the recording has no steady beat, or was not searched for one.
    ``mid`` are the shares of left and right in the mono sound that the encoder heard.
    """

    slug: str
    title: str
    artist: str
    licence: str
    source: str
    seconds: float
    gain_db: float
    tempo_bpm: float | None
    style_mean: NDArray[np.float32]
    style_track: NDArray[np.float32]
    style_ticks: NDArray[np.float32]
    structure: NDArray[np.float16]
    first_beat_s: float | None = None
    tempo_confidence: float | None = None
    mid: tuple[float, float] = (0.5, 0.5)
    recording: bytes = b""
    """The recording at the model's rate and loudness, stereo, as Ogg Vorbis; empty if not kept."""

    @property
    def beats(self) -> Beats | None:
        """The beats of the recording; None if unknown."""
        if self.tempo_bpm is None or self.first_beat_s is None:
            return None
        return Beats(self.tempo_bpm, self.first_beat_s, self.tempo_confidence or 0.0)


@dataclass(frozen=True)
class Bundle:
    """Everything that playing needs: the only bridge between training and the server."""

    manifest: Manifest
    encoder_onnx: bytes
    decoder_onnx: bytes
    latents: StyleStatistics
    dimensions: tuple[Dimension, ...]
    decks: Mapping[str, BundleDeck]
    prior_onnx: bytes | None = None

    @property
    def names(self) -> tuple[str | None, ...]:
        """Name of each style dimension; None for one that has only a number."""
        return tuple(dimension.name for dimension in self.dimensions)
