"""Every method on every excerpt: the tables that measuring goes through, and its plain results.

A later measure is one more row of ``METRICS``, a later method one more entry of ``sounds``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from training import metrics
from training.excerpts import Excerpt
from training.metrics import Samples
from training.references import GriffinLim, coloured_noise
from training.rendition import Heard, Rendition


@dataclass(frozen=True)
class Metric:
    """A row of the table: ``better`` says which way; ``measure`` takes truth, other."""

    name: str
    unit: str
    better: str
    measure: Callable[[Samples, Samples, Rendition], float]


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
"""Whole model; (a) vocoder, (b) Griffin-Lim on true mels; (c) noise with the mean spectrum."""

Figures = dict[str, float]


@dataclass(frozen=True)
class ClipFigures:
    """One excerpt: ``sound`` by method and metric, ``image`` the L1 of each image."""

    recording: str
    kind: str
    start_s: float
    sound: dict[str, Figures]
    image: Figures


def sounds(heard: Heard, excerpt: Excerpt, by: Rendition, seed: int) -> dict[str, Samples]:
    """The excerpt by each of ``METHODS``, (T,) each."""
    decoded = by.decode(heard.style, heard.structure)
    griffin_lim = GriffinLim(by.config.features)
    return {
        MODEL: by.play(decoded),
        VOCODER: by.play(heard.image),
        GRIFFIN_LIM: griffin_lim(by.measured(heard.image, beside=1).numpy(), seed),
        NOISE: coloured_noise(excerpt.truth, seed),
    }


def sound_figures(
    excerpt: Excerpt, by_method: dict[str, Samples], by: Rendition
) -> dict[str, Figures]:
    """Every metric of every method."""
    return {
        method: {metric.name: metric.measure(excerpt.truth, sound, by) for metric in METRICS}
        for method, sound in by_method.items()
    }


def image_figures(heard: Heard, mean_style: Tensor, other_style: Tensor, by: Rendition) -> Figures:
    """Mean absolute error of decoded images: as it is, and with parts of it taken away.

    Unit: image units, as in ``metrics.log_mel_l1``. ``mean_spectrum`` is the clip's own, held.
    """
    true = by.measured(heard.image)
    style, structure = heard.style, heard.structure
    decoded = {
        "model": by.decode(style, structure),
        "without_style": by.decode(mean_style, structure),
        "without_structure": by.decode(style, torch.zeros_like(structure)),
        "other_style": by.decode(other_style, structure),
    }
    errors = {name: _error(by.measured(image), true) for name, image in decoded.items()}
    return errors | {"mean_spectrum": _error(true.mean(dim=2, keepdim=True), true)}


def _error(image: Tensor, true: Tensor) -> float:
    return float((image - true).abs().mean())
