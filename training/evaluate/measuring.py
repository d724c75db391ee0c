"""The tables of reconstruction: every metric, and every method that makes a sound to measure.

A new metric is a row of ``METRICS``; a new method is an entry of ``sounds``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from export.audio.arrays import Floats
from training.measures import metrics
from training.measures.excerpts import Excerpt
from training.measures.model_renderer import EncodedExcerpt, ModelRenderer
from training.measures.references import GriffinLim, coloured_noise
from training.measures.voice import TorchVoice


@dataclass(frozen=True)
class Metric:
    """``measure`` takes the true sound and another; ``better`` says which values are good."""

    name: str
    unit: str
    better: str
    measure: Callable[[Floats, Floats, ModelRenderer], float]


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
        lambda truth, other, renderer: metrics.log_mel_l1(truth, other, renderer.features),
    ),
    Metric(
        "mfcc_distance",
        "dB",
        "lower",
        lambda truth, other, renderer: metrics.mfcc_distance(truth, other, renderer.sample_rate_hz),
    ),
    Metric(
        "chroma_correlation",
        "-1..1",
        "higher",
        lambda truth, other, renderer: metrics.chroma_correlation(
            truth, other, renderer.sample_rate_hz
        ),
    ),
    Metric(
        "onset_f1",
        "0..1",
        "higher",
        lambda truth, other, renderer: metrics.onset_f1(truth, other, renderer.sample_rate_hz),
    ),
    Metric(
        "level_db",
        "dB",
        "nearest 0",
        lambda truth, other, _: metrics.level_db(truth, other),
    ),
)

MODEL, VOCODER, GRIFFIN_LIM, NOISE = METHODS = ("model", "vocoder", "griffin_lim", "noise")
"""The whole model; (a) its vocoder and (b) Griffin-Lim, both on true mels; (c) noise with the mean
spectrum. The decoder of a bundle takes no mels, so (a) is measured for runs only."""

Figures = dict[str, float]


@dataclass(frozen=True)
class ClipFigures:
    """One excerpt: ``sound`` by method and metric, ``image`` the L1 error of each image."""

    recording: str
    kind: str
    start_s: float
    sound: dict[str, Figures]
    image: Figures


def sounds(
    encoded: EncodedExcerpt,
    excerpt: Excerpt,
    renderer: ModelRenderer,
    images: TorchVoice | None,
) -> dict[str, Floats]:
    """The excerpt by each of ``METHODS``, (T,) each; (a) only with ``images``."""
    true = renderer.image(excerpt.samples)
    made = {MODEL: renderer.play(encoded.style, encoded.structure)}
    if images:
        vocoded = images.vocode(true, renderer.seed)
        made[VOCODER] = renderer.cut(vocoded[renderer.grid.latency_samples :])
    griffin_lim = GriffinLim(renderer.grid.features)
    made[GRIFFIN_LIM] = griffin_lim(renderer.measured(true, beside=1), renderer.seed)
    made[NOISE] = coloured_noise(excerpt.truth, renderer.seed)
    return made


def sound_figures(
    excerpt: Excerpt, by_method: dict[str, Floats], renderer: ModelRenderer
) -> dict[str, Figures]:
    """Every metric of every method."""
    return {
        method: {metric.name: metric.measure(excerpt.truth, sound, renderer) for metric in METRICS}
        for method, sound in by_method.items()
    }


def image_figures(
    excerpt: Excerpt,
    encoded: EncodedExcerpt,
    styles: dict[str, Floats],
    renderer: ModelRenderer,
    images: TorchVoice | None,
) -> Figures:
    """Mean absolute error of decoded images, with all latents and with parts replaced.

    ``styles`` (D,) replace the clip's own style one after another; ``mean_spectrum`` is the error
    of the clip's own mean spectrum, held. Unit: image units, as in ``metrics.log_mel_l1``. Empty
    without ``images``.
    """
    if images is None:
        return {}
    true = renderer.measured(renderer.image(excerpt.samples))
    structure = renderer.at_frames(encoded.structure)

    def error(style: Floats, structure: Floats) -> float:
        held = np.repeat(style[:, None], structure.shape[1], axis=1)
        return _difference(renderer.measured(images.decode(held, structure)), true)

    return {
        "model": error(encoded.style, structure),
        "without_structure": error(encoded.style, np.zeros_like(structure)),
        "mean_spectrum": _difference(true.mean(axis=2, keepdims=True), true),
    } | {name: error(style, structure) for name, style in styles.items()}


def _difference(image: Floats, true: Floats) -> float:
    return float(np.abs(image - true).mean())
