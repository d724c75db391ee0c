"""Spectrograms for the page of a report: one sound, or many as a strip of small panels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from export.audio.arrays import Floats

WINDOW_SAMPLES = 2048
ROWS = 256
LOWEST_HZ = 40.0
RANGE_DB = 80.0
TICKS_HZ = (100, 1000, 10000)
INK, PAPER = "#3a3f47", "#fcfbf9"
"""The page's colours, as in ``templates/style.css``."""

Levels = NDArray[np.float32]


def spectrogram(samples: Floats, sample_rate_hz: int, top_db: float) -> Figure:
    """One sound with axes; ``top_db`` is the brightest level, as from ``loudest_db``."""
    figure = _figure(4.4, 1.45)
    axes = figure.subplots()
    seconds = len(samples) / sample_rate_hz
    _panel(axes, levels_db(samples, sample_rate_hz) - top_db, seconds)
    _frequency_ticks(axes, sample_rate_hz)
    axes.tick_params(labelsize=7, colors=INK, length=2)
    return figure


def strip(sounds: Mapping[str, Floats], sample_rate_hz: int, rows: int = 1) -> Figure:
    """Many sounds as small panels with a label above each, in ``rows`` rows."""
    levels = {label: levels_db(one, sample_rate_hz) for label, one in sounds.items()}
    top_db = max(float(one.max()) for one in levels.values())
    columns = -(-len(levels) // rows)
    figure = _figure(0.8 * columns, 1.2 * rows)
    grid: Sequence[Axes] = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axes, (label, panel) in zip(grid, levels.items(), strict=False):
        _panel(axes, panel - top_db, 1.0)
        axes.set_title(label, fontsize=6, color=INK, pad=2)
        axes.set_xticks([])
        axes.set_yticks([])
    return figure


def loudest_db(samples: Floats, sample_rate_hz: int) -> float:
    """Level of the loudest bin, as ``top_db`` for all sounds compared with this one."""
    return float(levels_db(samples, sample_rate_hz).max())


def levels_db(samples: Floats, sample_rate_hz: int) -> Levels:
    """Spectrogram (ROWS, N) in dB, rows even in octaves from ``LOWEST_HZ`` to half the rate."""
    spectra = torch.stft(
        torch.from_numpy(np.ascontiguousarray(samples)),
        WINDOW_SAMPLES,
        WINDOW_SAMPLES // 8,
        window=torch.hann_window(WINDOW_SAMPLES),
        return_complex=True,
    )
    magnitudes = spectra.abs().numpy()
    wanted_hz = np.geomspace(LOWEST_HZ, sample_rate_hz / 2, ROWS)
    position = wanted_hz * WINDOW_SAMPLES / sample_rate_hz
    below = np.minimum(position.astype(int), magnitudes.shape[0] - 2)
    share = (position - below)[:, None]
    rows = (1 - share) * magnitudes[below] + share * magnitudes[below + 1]
    return np.asarray(20 * np.log10(rows + 1e-6), np.float32)


def _figure(width_in: float, height_in: float) -> Figure:
    layout = ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02, wspace=0.02, hspace=0.02)
    figure = Figure(figsize=(width_in, height_in), dpi=160, layout=layout, facecolor=PAPER)
    FigureCanvasAgg(figure)
    return figure


def _panel(axes: Axes, panel_db: Levels, seconds: float) -> None:
    axes.imshow(
        panel_db,
        origin="lower",
        aspect="auto",
        extent=(0, seconds, 0, 1),
        vmin=-RANGE_DB,
        vmax=0,
        cmap="magma",
        interpolation="nearest",
    )
    for spine in axes.spines.values():
        spine.set_visible(False)


def _frequency_ticks(axes: Axes, sample_rate_hz: int) -> None:
    shown = [hz for hz in TICKS_HZ if LOWEST_HZ <= hz <= sample_rate_hz / 2]
    octaves = np.log(sample_rate_hz / 2 / LOWEST_HZ)
    labels = [f"{hz // 1000} kHz" if hz >= 1000 else f"{hz} Hz" for hz in shown]
    axes.set_yticks([float(np.log(hz / LOWEST_HZ) / octaves) for hz in shown], labels)
