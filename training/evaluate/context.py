"""What every section of an evaluation measures with, and the few means that all of them take."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from tqdm import tqdm

from export.bundle.format import StyleStatistics
from training.measures.excerpts import Excerpt, draw_excerpts, layout
from training.measures.model_grid import ModelGrid
from training.measures.model_renderer import EncodedExcerpt, ModelRenderer
from training.measures.voice import TorchVoice, Voice
from training.report.media_writer import MediaWriter
from training.store.store import Store

Item = TypeVar("Item")

RESAMPLINGS = 1000
INTERVAL = (2.5, 97.5)
LONGEST_NAME = 48


class SectionError(ValueError):
    """A section that cannot be measured on what was given, and why."""


@dataclass(frozen=True)
class EvaluationContext:
    """A model, the music it is tried on, and the folder that keeps what is worth seeing.

    ``images`` is the voice where it shows what its decoder says (a run); ``latents`` are the
    knobs as they are, None for a run without a style space; ``fixed_knobs`` says they stay so.
    """

    store: Store
    voice: Voice
    images: TorchVoice | None
    latents: StyleStatistics | None
    fixed_knobs: bool
    album: MediaWriter
    split: str
    clips: int
    seconds: float
    shown: int
    seed: int

    @property
    def grid(self) -> ModelGrid:
        """The voice's numbers."""
        return self.voice.grid

    def rendition(self, seconds: float) -> ModelRenderer:
        """Plays and hears excerpts of so many seconds."""
        return ModelRenderer(self.voice, layout(self.grid, seconds), self.seed)

    def excerpts(self, clips: int, seconds: float) -> list[Excerpt]:
        """The first ``clips`` excerpts of the split that is measured.

        Raises:
            StoreError: the split is empty.
        """
        return draw_excerpts(self.store, self.grid, self.split, clips, seconds, self.seed)


def pairs_heard(
    study: EvaluationContext, by: ModelRenderer, pairs: int, seconds: float
) -> list[tuple[tuple[Excerpt, EncodedExcerpt], tuple[Excerpt, EncodedExcerpt]]]:
    """Neighbouring excerpts two by two, each with its latents."""
    excerpts = study.excerpts(2 * pairs, seconds)
    heard = [(one, by.listen(one)) for one in bar(excerpts, "listening to pairs")]
    return list(zip(heard[::2], heard[1::2], strict=True))


def bar(items: Sequence[Item], what: str, unit: str = "clip") -> Iterable[Item]:
    """A progress bar, silent where nobody looks."""
    bared: Iterable[Item] = tqdm(items, what, unit=unit, disable=None)
    return bared


def statistics(values: Sequence[float], seed: int = 0) -> dict[str, float]:
    """Mean, standard deviation and 95 % interval of the mean, of the figures that exist.

    The interval is the percentile bootstrap's (Efron 1979) over ``RESAMPLINGS`` resamplings.
    """
    there = np.array([value for value in values if math.isfinite(value)])
    if not there.size:
        nothing = float("nan")
        return {"mean": nothing, "std": nothing, "low": nothing, "high": nothing, "count": 0}
    drawn = np.random.default_rng(seed).choice(there, (RESAMPLINGS, there.size))
    low, high = np.percentile(drawn.mean(axis=1), INTERVAL)
    return {
        "mean": float(there.mean()),
        "std": float(there.std()),
        "low": float(low),
        "high": float(high),
        "count": int(there.size),
    }


def summary(rows: Sequence[dict[str, float]], seed: int = 0) -> dict[str, dict[str, float]]:
    """``statistics`` of every figure of ``rows``, which have the same names."""
    return {name: statistics([row[name] for row in rows], seed) for name in rows[0]}


def short_name(excerpt: Excerpt) -> str:
    """What an excerpt is called on the page."""
    stem = excerpt.recording.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return f"{shortened(stem)}, {excerpt.start_s:.0f} s"


def shortened(text: str) -> str:
    """Both ends of what is too long for a heading."""
    return text if len(text) <= LONGEST_NAME else f"{text[:34]}...{text[-10:]}"
