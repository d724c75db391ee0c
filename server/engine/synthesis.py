"""From what the decoder gives to stereo sound: spectra with the decks' detail, or plain sound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from export.audio.arrays import Floats
from export.bundle.format import Manifest
from server.engine.detail import DetailSynthesis
from server.engine.layer import Layer

CHANNELS = 2
"""The engine's sound is always stereo; latents alone are in the middle."""


class SoundSynthesis(Protocol):
    """Turns decoded blocks into sound."""

    def play(self, decoded: Any, noise: Floats, layers: Sequence[Layer], is_knob: bool) -> Floats:
        """Return sound (2, T) of one block; ``noise`` (L, F) is standard normal.

        ``is_knob`` says that knobs move the style besides the decks.
        """

    def reset(self) -> None:
        """Forget all previous sound."""


class PlainSynthesis:
    """The sound of decoders of format 1: mono to both channels, without detail."""

    def play(
        self, decoded: Floats, noise: Floats, layers: Sequence[Layer], is_knob: bool
    ) -> Floats:
        """Return the decoder's own sound."""
        return np.repeat(decoded, CHANNELS, axis=0) if len(decoded) == 1 else decoded[:CHANNELS]

    def reset(self) -> None:
        """Nothing is kept."""


def open_synthesis(manifest: Manifest, seed: int) -> SoundSynthesis:
    """The synthesis that a bundle's decoder needs."""
    return DetailSynthesis(manifest, seed) if manifest.gives_spectra else PlainSynthesis()
