"""Draw ``between.png``: deck A, half way, and deck B, with detail and the network alone.

    uv run --extra train python docs/pictures/between.py

Renders two library decks of the built-in bundle with ``python -m server``, so the picture shows
what the instrument plays.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib
import numpy as np
import soundfile
from numpy.typing import NDArray
from PIL import Image

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh

PICTURE = Path(__file__).with_name("between.png")
DECK_A, DECK_B = "ninth-circle", "solo-trumpet"
TITLES = {
    0.0: f"deck A ({DECK_A})  /interp 0",
    0.5: "half way  /interp 0.5",
    1.0: f"deck B ({DECK_B})  /interp 1",
}
ROWS = {1: "with detail", 0: "the network alone, /detail 0"}
SECONDS = 3.6
WINDOW, PADDED, HOP = 4096, 4096, 384
LOWEST_HZ, SPAN_DB, COLOURS = 80, 70.0, 160
TICKS_HZ = {100: "100", 300: "300", 1000: "1k", 3000: "3k", 10000: "10k", 20000: "20k"}


def rendered(position: float, detail: float, path: Path) -> tuple[NDArray[np.float64], int]:
    """Render at ``/interp position``; return the middle (T,) and the sample rate in Hz."""
    command = [sys.executable, "-m", "server", "--config", "none"]
    command += ["--deck-a", DECK_A, "--deck-b", DECK_B, "--set", f"/interp={position}"]
    command += ["--set", f"/detail={detail}"]
    command += ["--seconds", str(SECONDS), "--output", f"wav:{path}"]
    subprocess.run(command, check=True)
    sound, rate_hz = soundfile.read(path, always_2d=True)
    return sound.mean(axis=1), rate_hz


def level_db(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spectrogram in dB (PADDED / 2 + 1, N) of ``sound`` (T,)."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW), PADDED, axis=1)) ** 2
    return 10 * np.log10(power.T + 1e-9)


def draw(axis: Axes, level: NDArray[np.float64], rate_hz: int) -> QuadMesh:
    """Draw one spectrogram, 0 dB being the loudest."""
    times_s = (np.arange(level.shape[1]) * HOP + WINDOW / 2) / rate_hz
    frequencies_hz = np.fft.rfftfreq(PADDED, 1 / rate_hz)
    mesh = axis.pcolormesh(
        times_s, frequencies_hz, level, cmap="magma", vmin=-SPAN_DB, vmax=0, shading="nearest"
    )
    axis.set_yscale("log")
    axis.set_ylim(LOWEST_HZ, rate_hz / 2)
    axis.set_yticks([*TICKS_HZ], labels=[*TICKS_HZ.values()])
    axis.minorticks_off()
    return mesh


def main() -> None:
    """Render, draw and save, with few enough colours for a small file."""
    figure, axes = plt.subplots(
        len(ROWS), len(TITLES), figsize=(9.6, 5.2), sharex=True, sharey=True, layout="constrained"
    )
    for row, (detail, label) in zip(axes, ROWS.items(), strict=True):
        with tempfile.TemporaryDirectory() as folder:
            sounds = [rendered(one, detail, Path(folder, f"{one}.wav")) for one in TITLES]
        levels = [level_db(sound) for sound, _ in sounds]
        loudest = max(np.percentile(level, 99.9) for level in levels)
        for axis, level, (_, rate_hz) in zip(row, levels, sounds, strict=True):
            mesh = draw(axis, level - loudest, rate_hz)
        row[0].set_ylabel(f"{label}\nfrequency (Hz)", fontsize=9)
    for axis, title in zip(axes[0], TITLES.values(), strict=True):
        axis.set_title(title, fontsize=10)
    for axis in axes[-1]:
        axis.set_xlabel("time (s)")
    figure.colorbar(mesh, ax=axes, label="level (dB)", pad=0.01)
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=120)
    Image.open(drawn).convert("RGB").quantize(COLOURS).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
