"""Freeze, loop, slow and reverse: an instrument plays for hours, with its playhead at any speed.

freeze   structure held at one tick: how far does the level move from second 1 to second 10?
loop     two seconds again and again: how far is pass 200 from pass 2? (pass 3 is the comparison:
         noise is drawn anew in each pass, so no two passes are the same)
slow     a quarter of the speed; reverse: backwards. Both against the true image, warped alike
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.audio.arrays import Floats
from training.evaluate.context import EvaluationContext, bar, short_name, summary
from training.measures.excerpts import Excerpt
from training.measures.model_renderer import EncodedExcerpt, ModelRenderer

Positions = NDArray[np.float64]

CLIPS = 4
FREEZE_S = 10
LOOP_S = 2.0
PASSES = 200
COMPARED_S = 1.5
"""Length of the original that forward, slow and reverse play."""

SPEEDS = {"forward": 1.0, "slow": 0.25, "reverse": -1.0}


def measure_time(context: EvaluationContext) -> dict[str, Any]:
    """Figures of every clip and their means."""
    renderer = context.renderer(context.seconds)
    excerpts = context.excerpts(min(CLIPS, context.clips), context.seconds)
    names, rows, shown = [], [], []
    for number, excerpt in enumerate(bar(excerpts, "playing with time")):
        encoded = renderer.encode(excerpt)
        frozen = freeze(encoded, renderer)
        looped = LoopedStretch.play(encoded, renderer)
        warped = {name: warp(encoded, renderer, speed) for name, speed in SPEEDS.items()}
        names.append(short_name(excerpt))
        rows.append(
            _level_figures(frozen, renderer.sample_rate_hz)
            | looped.figures(renderer)
            | _warp_figures(excerpt, warped, renderer)
        )
        if number < context.shown:
            sounds = {
                "frozen for 10 s": frozen,
                "pass 2": looped.at(2),
                "pass 200": looped.at(200),
                "a quarter of the speed": warped["slow"].audible,
                "backwards": warped["reverse"].audible,
            }
            files = {
                title: context.media.sound(f"time-{number}-{title}", sound)
                for title, sound in sounds.items()
            }
            shown.append({"clip": names[-1], "sounds": files})
    return {
        "clips": [{"clip": name} | row for name, row in zip(names, rows, strict=True)],
        "summary": summary(rows),
        "shown": shown,
    }


def freeze(encoded: EncodedExcerpt, renderer: ModelRenderer) -> Floats:
    """A second of music, then its last moment held for ``FREEZE_S``: the held part (T,)."""
    lead, held = renderer.layout.lead_frames, renderer.grid.frames_of(FREEZE_S)
    frames = np.minimum(np.arange(lead + held + renderer.layout.tail_frames), lead)
    structure = renderer.read(encoded.structure, frames.astype(np.float64))
    sound = renderer.sound(encoded.style, structure)
    first = lead * renderer.grid.hop_samples
    return sound[first : first + held * renderer.grid.hop_samples]


@dataclass(frozen=True)
class LoopedStretch:
    """Two seconds played ``PASSES`` times.

    ``sound`` (T,) begins with the first pass, a pass has ``pass_samples``, and an image needs
    ``context_samples`` more on each side.
    """

    sound: Floats
    pass_samples: int
    context_samples: int

    @classmethod
    def play(cls, encoded: EncodedExcerpt, renderer: ModelRenderer) -> LoopedStretch:
        """Loop the first two seconds of the measured part."""
        grid, first = renderer.grid, renderer.layout.lead_frames
        length = grid.frames_of(LOOP_S)
        frames = first + np.arange(length * PASSES + first) % length
        structure = renderer.read(encoded.structure, frames.astype(np.float64))
        sound = renderer.sound(encoded.style, structure)
        return cls(sound, length * grid.hop_samples, grid.context_samples // 2)

    def at(self, number: int, beside: int = 0) -> Floats:
        """Pass ``number``, counted from 1, with ``beside`` more samples on each side."""
        first = (number - 1) * self.pass_samples
        return self.sound[first - beside : first + self.pass_samples + beside]

    def figures(self, renderer: ModelRenderer) -> dict[str, float]:
        """Log-mel L1 of pass 200 and of pass 3 to pass 2, and the level of pass 200."""
        second, third, last = (
            renderer.image(self.at(number, self.context_samples)) for number in (2, 3, PASSES)
        )
        return {
            "loop_200_to_2": float(np.abs(last - second).mean()),
            "loop_3_to_2": float(np.abs(third - second).mean()),
            "loop_level_db": _level_db(self.at(PASSES)) - _level_db(self.at(2)),
        }


@dataclass(frozen=True)
class WarpedStretch:
    """A stretch at another speed: its sound (T,), its image (3, M, N), its source frames (N,)."""

    audible: Floats
    image: Floats
    frames: Positions


def warp(encoded: EncodedExcerpt, renderer: ModelRenderer, speed: float) -> WarpedStretch:
    """Play ``COMPARED_S`` of the measured part at ``speed``, after a second of lead."""
    grid, hop = renderer.grid, renderer.grid.hop_samples
    original = grid.frames_of(COMPARED_S)
    lead = renderer.layout.lead_frames
    first = lead + (original - 1 if speed < 0 else 0)
    count = round(original / abs(speed))
    tail = renderer.layout.tail_frames + grid.context_samples // hop
    frames = first + speed * (np.arange(lead + count + tail, dtype=np.float64) - lead)
    sound = renderer.sound(encoded.style, renderer.read(encoded.structure, frames))
    begin, end, half = lead * hop, (lead + count) * hop, grid.context_samples // 2
    return WarpedStretch(
        sound[begin:end],
        renderer.image(sound[begin - half : end + grid.context_samples - half]),
        frames[lead : lead + count],
    )


def read_image(image: Floats, frames: Positions) -> Floats:
    """An image (3, M, N) at fractional frames (n,), linear between neighbours: (3, M, n)."""
    places = np.clip(frames, 0, image.shape[2] - 1)
    below = np.minimum(places.astype(np.int64), image.shape[2] - 2)
    share = (places - below).astype(np.float32)
    return image[..., below] * (1 - share) + image[..., below + 1] * share


def time_text(section: dict[str, Any]) -> str:
    """The means in two lines."""
    means = {name: figures["mean"] for name, figures in section["summary"].items()}
    return (
        f"time: level moves {means['freeze_drift_db']:+.2f} dB over 10 s of freeze; pass 200 is "
        f"{means['loop_200_to_2']:.4f} from pass 2, pass 3 {means['loop_3_to_2']:.4f}\n"
        f"      log-mel L1 forward {means['forward']:.3f}, slow {means['slow']:.3f}, "
        f"reverse {means['reverse']:.3f}"
    )


def _warp_figures(
    excerpt: Excerpt, warped: dict[str, WarpedStretch], renderer: ModelRenderer
) -> dict[str, float]:
    """Log-mel L1 of each speed to the warped truth, and of that truth's mean spectrum to it."""
    true = renderer.image(excerpt.samples)
    figures = {}
    for name, stretch in warped.items():
        wanted = read_image(true, stretch.frames)
        figures[name] = float(np.abs(stretch.image - wanted).mean())
        flat = wanted.mean(axis=2, keepdims=True)
        figures[f"{name}_mean_spectrum"] = float(np.abs(flat - wanted).mean())
    return figures


def _level_figures(frozen: Floats, sample_rate_hz: int) -> dict[str, float]:
    first_db, last_db = _level_db(frozen[:sample_rate_hz]), _level_db(frozen[-sample_rate_hz:])
    return {"freeze_drift_db": last_db - first_db, "freeze_first_db": first_db}


def _level_db(samples: Floats) -> float:
    return 10 * float(np.log10(np.square(samples, dtype=np.float64).mean() + 1e-12))
