"""The model, the music and the media folder of an evaluation, and statistics over clips."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from tqdm import tqdm

from export.audio.arrays import Floats
from training.evaluate.evaluated_model import EvaluatedModel
from training.measures.excerpts import Excerpt, draw_excerpts, layout
from training.measures.model_grid import ModelGrid
from training.measures.model_renderer import EncodedExcerpt, ModelRenderer
from training.report.comparison_pictures import loudest_db, spectrogram
from training.report.media_writer import MediaWriter
from training.store.store import Store

Item = TypeVar("Item")

RESAMPLINGS = 1000
INTERVAL = (2.5, 97.5)
LONGEST_NAME = 48


class SectionError(ValueError):
    """A section that cannot be measured with this model or this music."""


@dataclass(frozen=True)
class EvaluationContext:
    """Everything that a section measures with; the numbers are options of the command line."""

    model: EvaluatedModel
    store: Store
    media: MediaWriter
    split: str
    clips: int
    seconds: float
    shown: int
    seed: int
    sources: tuple[Path, ...] = ()
    """Folders of recordings that the store was made from, or their parents."""

    @property
    def grid(self) -> ModelGrid:
        """The model's time and frequency grid."""
        return self.model.voice.grid

    def renderer(self, seconds: float) -> ModelRenderer:
        """The renderer for excerpts of ``seconds``."""
        return ModelRenderer(self.model.voice, layout(self.grid, seconds), self.seed)

    def excerpts(self, clips: int, seconds: float) -> list[Excerpt]:
        """The first ``clips`` excerpts of the measured split.

        Raises:
            StoreError: the split is empty.
        """
        return draw_excerpts(self.store, self.grid, self.split, clips, seconds, self.seed)

    def panels(
        self, name: str, sounds: Mapping[str, Floats], loudest: Floats | None = None
    ) -> list[dict[str, str]]:
        """Write each sound with its spectrogram; return their files, for the page.

        The scale of every spectrogram ends at the level of ``loudest``, by default its own sound.
        """
        rate_hz = self.grid.sample_rate_hz
        return [
            {
                "title": title,
                "picture": self.media.picture(
                    f"{name}-{title}",
                    spectrogram(
                        sound, rate_hz, loudest_db(sound if loudest is None else loudest, rate_hz)
                    ),
                ),
                "sound": self.media.sound(f"{name}-{title}", sound),
            }
            for title, sound in sounds.items()
        ]


def encoded_pairs(
    context: EvaluationContext, renderer: ModelRenderer, pairs: int, seconds: float
) -> list[tuple[tuple[Excerpt, EncodedExcerpt], tuple[Excerpt, EncodedExcerpt]]]:
    """Neighbouring excerpts in pairs, each with its latents."""
    excerpts = context.excerpts(2 * pairs, seconds)
    encoded = [(one, renderer.encode(one)) for one in bar(excerpts, "encoding pairs")]
    return list(zip(encoded[::2], encoded[1::2], strict=True))


def bar(items: Sequence[Item], description: str, unit: str = "clip") -> Iterable[Item]:
    """The items behind a progress bar, which is hidden where stderr is no terminal."""
    with_bar: Iterable[Item] = tqdm(items, description, unit=unit, disable=None)
    return with_bar


def statistics(values: Sequence[float], seed: int = 0) -> dict[str, float]:
    """Mean, standard deviation and 95 % interval of the mean, of the finite values.

    The interval is the percentile bootstrap's (Efron 1979) over ``RESAMPLINGS`` resamplings.
    """
    finite = np.array([value for value in values if math.isfinite(value)])
    if not finite.size:
        nan = float("nan")
        return {"mean": nan, "std": nan, "low": nan, "high": nan, "count": 0}
    drawn = np.random.default_rng(seed).choice(finite, (RESAMPLINGS, finite.size))
    low, high = np.percentile(drawn.mean(axis=1), INTERVAL)
    return {
        "mean": float(finite.mean()),
        "std": float(finite.std()),
        "low": float(low),
        "high": float(high),
        "count": int(finite.size),
    }


def summary(rows: Sequence[dict[str, float]], seed: int = 0) -> dict[str, dict[str, float]]:
    """``statistics`` of every figure of ``rows``, all of which have the same figures."""
    return {name: statistics([row[name] for row in rows], seed) for name in rows[0]}


def short_name(excerpt: Excerpt) -> str:
    """The excerpt's name on the page: file and start."""
    stem = excerpt.recording.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return f"{shortened(stem)}, {excerpt.start_s:.0f} s"


def shortened(text: str) -> str:
    """The text, or both its ends where it is too long for a heading."""
    return text if len(text) <= LONGEST_NAME else f"{text[:34]}...{text[-10:]}"
