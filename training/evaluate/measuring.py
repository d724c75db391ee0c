"""Every method on every excerpt: the tables that measuring goes through, and its plain results.

A later measure is one more row of ``METRICS``, a later method one more entry of ``sounds``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training.measures import metrics
from training.measures.excerpts import Excerpt
from training.measures.metrics import Samples
from training.measures.model_renderer import EncodedExcerpt, ModelRenderer
from training.measures.references import GriffinLim, coloured_noise
from training.measures.voice import Floats, TorchVoice


@dataclass(frozen=True)
class Metric:
    """A row of the table: ``better`` says which way; ``measure`` takes truth, other."""

    name: str
    unit: str
    better: str
    measure: Callable[[Samples, Samples, ModelRenderer], float]


METRICS = (
    Metric(
        "spectral_distance",
        "eps 1e-3",
        "lower",
        lambda truth, other, _: metrics.spectral_distance(truth, other, 1e-3),
    ),
    Metric(
        "spectral_distance_rave",
        "eps 1e-7",
        "lower",
        lambda truth, other, _: metrics.spectral_distance(truth, other, 1e-7),
    ),
    Metric(
        "log_mel_l1",
        "image units",
        "lower",
        lambda truth, other, by: metrics.log_mel_l1(truth, other, by.features),
    ),
    Metric(
        "mfcc_distance",
        "dB",
        "lower",
        lambda truth, other, by: metrics.mfcc_distance(truth, other, by.sample_rate_hz),
    ),
    Metric(
        "chroma_correlation",
        "-1..1",
        "higher",
        lambda truth, other, by: metrics.chroma_correlation(truth, other, by.sample_rate_hz),
    ),
    Metric(
        "onset_f1",
        "0..1",
        "higher",
        lambda truth, other, by: metrics.onset_f1(truth, other, by.sample_rate_hz),
    ),
    Metric(
        "level_db",
        "dB",
        "nearest 0",
        lambda truth, other, _: metrics.level_db(truth, other),
    ),
)

MODEL, VOCODER, GRIFFIN_LIM, NOISE = METHODS = ("model", "vocoder", "griffin_lim", "noise")
"""Whole model; (a) vocoder, (b) Griffin-Lim on true mels; (c) noise with the mean spectrum. A
bundle does not take mels, so (a) is measured of runs only."""

Figures = dict[str, float]


@dataclass(frozen=True)
class ClipFigures:
    """One excerpt: ``sound`` by method and metric, ``image`` the L1 of each image."""

    recording: str
    kind: str
    start_s: float
    sound: dict[str, Figures]
    image: Figures


def sounds(
    heard: EncodedExcerpt, excerpt: Excerpt, by: ModelRenderer, images: TorchVoice | None
) -> dict[str, Samples]:
    """The excerpt by each of ``METHODS``, (T,) each; (a) only where there are ``images``."""
    true = by.image(excerpt.samples)
    made = {MODEL: by.play(heard.style, heard.structure)}
    if images:
        made[VOCODER] = by.cut(images.vocode(true, by.seed)[by.grid.latency_samples :])
    griffin_lim = GriffinLim(by.grid.features)
    made[GRIFFIN_LIM] = griffin_lim(by.measured(true, beside=1), by.seed)
    made[NOISE] = coloured_noise(excerpt.truth, by.seed)
    return made


def sound_figures(
    excerpt: Excerpt, by_method: dict[str, Samples], by: ModelRenderer
) -> dict[str, Figures]:
    """Every metric of every method."""
    return {
        method: {metric.name: metric.measure(excerpt.truth, sound, by) for metric in METRICS}
        for method, sound in by_method.items()
    }


def image_figures(
    excerpt: Excerpt,
    heard: EncodedExcerpt,
    styles: dict[str, Floats],
    by: ModelRenderer,
    images: TorchVoice | None,
) -> Figures:
    """Mean absolute error of decoded images: as it is, and with parts of it taken away.

    ``styles`` (D,) are those to put in place of the clip's own. Unit: image units, as in
    ``metrics.log_mel_l1``; ``mean_spectrum`` is the clip's own, held. Empty without ``images``.
    """
    if images is None:
        return {}
    true = by.measured(by.image(excerpt.samples))
    structure = by.at_frames(heard.structure)

    def error(style: Floats, structure: Floats) -> float:
        held = np.repeat(style[:, None], structure.shape[1], axis=1)
        return _difference(by.measured(images.decode(held, structure)), true)

    return {
        "model": error(heard.style, structure),
        "without_structure": error(heard.style, np.zeros_like(structure)),
        "mean_spectrum": _difference(true.mean(axis=2, keepdims=True), true),
    } | {name: error(style, structure) for name, style in styles.items()}


def _difference(image: Floats, true: Floats) -> float:
    return float(np.abs(image - true).mean())
