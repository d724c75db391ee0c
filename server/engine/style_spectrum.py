"""The mean spectrum of a style: what the decoder leaves of it is added.

    wanted   mean spectrum of the decks by their share of style, minus that by share of structure
    network  what the decoder has changed, on average over the louder spectra
    added    wanted - network

The decoder alone moves a mean spectrum a fifth to a third of the way from one recording to another
(``docs/results.md``), since structure carries timbre too. Its share is followed slowly, per bin, as
a slope over the distance between style and structure, so that a turn of the knob is answered at
once. Where knobs move the style elsewhere, what was found before holds: their change is no part of
it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from export.audio.arrays import Floats
from server.engine.layer import Layer, LayerReading
from server.engine.magnitudes import smoothed
from server.engine.spectra import Grid

MOST_ADDED = 4.0
"""In nepers."""
USUAL_SHARE = 0.36
"""The decoder's part of the way before anything is known (measured, bundle 4)."""
FOLLOWING_S = 2.0
_LEAST_WAY = 0.02
"""On a shorter way the decoder's part cannot be told."""
_LOUD = 0.1
"""Spectra down to this share of the recent largest power count in full."""


@dataclass(frozen=True, eq=False)
class HeardChange:
    """The decoder's change of what is heard (L, F) in nepers, and the decks' power (L,)."""

    change: Floats
    power: Floats


def heard_change(read: Sequence[LayerReading]) -> HeardChange:
    """The change of all layers, by their shares of structure."""
    per_frame = len(read[0].detail) // read[0].layer.structure.size
    shares = [np.repeat(one.layer.structure, per_frame) for one in read]
    changes = [share[:, None] * one.change for share, one in zip(shares, read, strict=True)]
    powers = [share * one.power for share, one in zip(shares, read, strict=True)]
    return HeardChange(np.sum(changes, axis=0), np.sum(powers, axis=0))


class StyleSpectrum:
    """Follows the decoder and says what to add to its log magnitudes."""

    def __init__(self, grid: Grid, sample_rate_hz: int) -> None:
        self._per_frame = grid.per_frame
        self._step = 1 - np.exp(-grid.hop / (FOLLOWING_S * sample_rate_hz))
        self._decks: tuple[int, ...] = ()
        self._slope: Floats | None = None
        self._loudest = 0.0

    def added(
        self, heard: HeardChange | None, layers: Sequence[Layer], is_knob: bool
    ) -> Floats | None:
        """Return what to add to log magnitudes (L, F); None for nothing.

        ``heard`` is the change so far; ``is_knob`` says that knobs move the style as well.
        """
        wanted, way = self._wanted(layers)
        if wanted is None:
            self._decks = ()
            return None
        added = np.empty_like(wanted)
        for n, one in enumerate(wanted):
            if self._slope is None:
                self._slope = USUAL_SHARE / max(way[n], 1e-6) * one
            if not (is_knob or heard is None) and way[n] > _LEAST_WAY:
                self._follow(heard.change[n], float(heard.power[n]), float(way[n]))
            added[n] = one - way[n] * self._slope
        return np.clip(added, -MOST_ADDED, MOST_ADDED)

    def _wanted(self, layers: Sequence[Layer]) -> tuple[Floats | None, Floats]:
        """The change (L, F) of the mean spectrum, and its part (L,) of the way between decks."""
        distances = [layer.style - layer.structure for layer in layers]
        moving = [n for n, distance in enumerate(distances) if distance.any()]
        known = [layers[n].deck.mean_spectrum for n in moving]
        spectra = [spectrum for spectrum in known if spectrum is not None]
        if not moving or len(spectra) < len(moving):
            return None, np.zeros(0, np.float32)
        decks = tuple(id(layers[n].deck) for n in moving)
        if decks != self._decks:
            self._decks, self._slope = decks, None
        wanted = np.sum(
            [np.outer(distances[n], one) for n, one in zip(moving, spectra, strict=True)], axis=0
        )
        way = np.sum(np.abs(distances), axis=0) / 2
        return (
            np.repeat(wanted.astype(np.float32), self._per_frame, axis=0),
            np.repeat(way, self._per_frame),
        )

    def _follow(self, change: Floats, power: float, way: float) -> None:
        assert self._slope is not None
        self._loudest = max(power, self._loudest * (1 - self._step))
        step = self._step * min(power / (_LOUD * self._loudest + 1e-12), 1.0)
        smooth = smoothed(change[None])[0]
        self._slope = self._slope + (smooth / way - self._slope) * np.float32(step)
