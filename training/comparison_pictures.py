"""Spectrograms side by side, true and made, and each as a sound file: look before you score."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import soundfile
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from training.metrics import Samples

WINDOW_SAMPLES = 2048
ROWS = 384
LOWEST_HZ = 40.0
RANGE_DB = 80.0
TICKS_HZ = (50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000)


def write_comparison(
    folder: Path, name: str, title: str, sounds: dict[str, Samples], sample_rate_hz: int
) -> None:
    """``name.png`` with one panel a sound, in the order given, and ``name_<n>_<sound>.wav``.

    All panels share one scale of levels, 0 dB being the first sound's loudest bin.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stem = _slug(name)
    levels = [_levels_db(samples, sample_rate_hz) for samples in sounds.values()]
    top_db = float(levels[0].max())
    figure = Figure(figsize=(13, 8.5), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 2, sharex=True, sharey=True).ravel()
    for index, (label, panel) in enumerate(zip(sounds, levels, strict=True)):
        seconds = len(sounds[label]) / sample_rate_hz
        picture = _panel(axes[index], panel - top_db, seconds, sample_rate_hz)
        axes[index].set_title(label, loc="left", fontsize=11)
    figure.suptitle(title, fontsize=12)
    figure.supxlabel("time (s)", fontsize=10)
    figure.supylabel("frequency (Hz)", fontsize=10)
    figure.colorbar(picture, ax=axes.tolist(), label="level (dB)", pad=0.01, aspect=40)
    figure.savefig(folder / f"{stem}.png")
    for index, (label, samples) in enumerate(sounds.items()):
        path = folder / f"{stem}_{index}_{_slug(label)}.wav"
        soundfile.write(path, np.clip(samples, -1, 1), sample_rate_hz, subtype="PCM_24")


def _panel(
    axes: Axes, levels_db: NDArray[np.float32], seconds: float, sample_rate_hz: int
) -> AxesImage:
    picture = axes.imshow(
        levels_db,
        origin="lower",
        aspect="auto",
        extent=(0, seconds, 0, 1),
        vmin=-RANGE_DB,
        vmax=0,
        cmap="magma",
        interpolation="nearest",
    )
    shown = [hz for hz in TICKS_HZ if LOWEST_HZ <= hz <= sample_rate_hz / 2]
    top = np.log(sample_rate_hz / 2 / LOWEST_HZ)
    labels = [f"{hz // 1000}k" if hz >= 1000 else str(hz) for hz in shown]
    axes.set_yticks([float(np.log(hz / LOWEST_HZ) / top) for hz in shown], labels)
    axes.tick_params(labelsize=9)
    return picture


def _levels_db(samples: Samples, sample_rate_hz: int) -> NDArray[np.float32]:
    """(ROWS, N), dB, rows evenly spaced in octaves from ``LOWEST_HZ`` to half the rate."""
    spectra = torch.stft(
        torch.from_numpy(samples),
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


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
