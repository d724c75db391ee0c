"""Freeze, loop, slow and reverse: an instrument plays for hours and its playhead runs at any speed.

freeze   structure held at one tick: how far does the level move from second 1 to second 10?
loop     two seconds again and again: how far is pass 200 from pass 2? (pass 3 is beside it:
         noise is drawn afresh each time, so no two passes are the same)
slow     a quarter of the speed; reverse: backwards. Against the true image warped alike
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluate.context import EvaluationContext, bar, short_name, summary
from training.measures.excerpts import Excerpt
from training.measures.metrics import Samples
from training.measures.model_renderer import EncodedExcerpt, ModelRenderer
from training.measures.voice import Floats

Positions = NDArray[np.float64]

CLIPS = 4
FREEZE_S = 10
LOOP_S = 2.0
PASSES = 200
COMPARED_S = 1.5
"""Of the original that slow and reverse play."""

SPEEDS = {"forward": 1.0, "slow": 0.25, "reverse": -1.0}


def time_section(study: EvaluationContext) -> dict[str, Any]:
    """Figures of every clip and their means."""
    by = study.rendition(study.seconds)
    excerpts = study.excerpts(min(CLIPS, study.clips), study.seconds)
    rows, shown = [], []
    for number, excerpt in enumerate(bar(excerpts, "playing with time")):
        heard = by.listen(excerpt)
        frozen, looped = freeze(heard, by), LoopedStretch.play(heard, by)
        row = _level_figures(frozen, by) | looped.figures(by) | _warped(excerpt, heard, by)
        rows.append(row)
        if number < study.shown:
            title = f"time-{number}"
            sounds = {"frozen for 10 s": frozen, "pass 2": looped.at(2), "pass 200": looped.at(200)}
            sounds["a quarter of the speed"] = warp(heard, by, SPEEDS["slow"]).audible
            sounds["backwards"] = warp(heard, by, SPEEDS["reverse"]).audible
            shown.append(
                {
                    "clip": short_name(excerpt),
                    "sounds": {
                        label: study.album.sound(f"{title}-{label}", one)
                        for label, one in sounds.items()
                    },
                }
            )
    names = [short_name(one) for one in excerpts]
    return {
        "clips": [{"clip": name} | row for name, row in zip(names, rows, strict=True)],
        "summary": summary(rows),
        "shown": shown,
    }


def freeze(heard: EncodedExcerpt, by: ModelRenderer) -> Samples:
    """A second of music and then its last moment held for ``FREEZE_S``: the held part (T,)."""
    lead, held = by.layout.lead_frames, by.grid.frames_of(FREEZE_S)
    frames = np.minimum(np.arange(lead + held + by.layout.tail_frames), lead)
    sound = by.sound(heard.style, by.read(heard.structure, frames.astype(np.float64)))
    first = lead * by.grid.hop_samples
    return sound[first : first + held * by.grid.hop_samples]


@dataclass(frozen=True)
class LoopedStretch:
    """Two seconds played ``PASSES`` times: the sound from the first pass on, and a pass's size."""

    sound: Samples
    pass_samples: int
    before_samples: int

    @classmethod
    def play(cls, heard: EncodedExcerpt, by: ModelRenderer) -> LoopedStretch:
        """Loop the first two seconds that are measured."""
        length, first = by.grid.frames_of(LOOP_S), by.layout.lead_frames
        frames = first + np.arange(length * PASSES + by.layout.lead_frames) % length
        sound = by.sound(heard.style, by.read(heard.structure, frames.astype(np.float64)))
        return cls(sound, length * by.grid.hop_samples, by.grid.context_samples // 2)

    def at(self, number: int, beside: int = 0) -> Samples:
        """Pass ``number``, from 1, and ``beside`` samples more on each side."""
        first = (number - 1) * self.pass_samples
        return self.sound[first - beside : first + self.pass_samples + beside]

    def figures(self, by: ModelRenderer) -> dict[str, float]:
        """Log-mel L1 of pass 200 and of pass 3, both to pass 2."""
        second, third, last = (
            by.image(self.at(number, self.before_samples)) for number in (2, 3, PASSES)
        )
        return {
            "loop_200_to_2": float(np.abs(last - second).mean()),
            "loop_3_to_2": float(np.abs(third - second).mean()),
            "loop_level_db": _level_db(self.at(PASSES)) - _level_db(self.at(2)),
        }


@dataclass(frozen=True)
class WarpedStretch:
    """A stretch played at another speed: its sound, its image (3, M, N), where it was read (N,)."""

    audible: Samples
    image: Floats
    frames: Positions


def warp(heard: EncodedExcerpt, by: ModelRenderer, speed: float) -> WarpedStretch:
    """Play ``COMPARED_S`` of the measured part at ``speed``, from a second before on."""
    grid, hop = by.grid, by.grid.hop_samples
    original = grid.frames_of(COMPARED_S)
    first = by.layout.lead_frames + (original - 1 if speed < 0 else 0)
    count = round(original / abs(speed))
    lead = by.layout.lead_frames
    tail = by.layout.tail_frames + grid.context_samples // hop
    frames = first + speed * (np.arange(lead + count + tail, dtype=np.float64) - lead)
    sound = by.sound(heard.style, by.read(heard.structure, frames))
    begin, end, half = lead * hop, (lead + count) * hop, grid.context_samples // 2
    return WarpedStretch(
        sound[begin:end],
        by.image(sound[begin - half : end + grid.context_samples - half]),
        frames[lead : lead + count],
    )


def _warped(excerpt: Excerpt, heard: EncodedExcerpt, by: ModelRenderer) -> dict[str, float]:
    """Log-mel L1 of each speed to the warped truth, and of that truth's own mean spectrum."""
    true = by.image(excerpt.samples)
    figures = {}
    for name, speed in SPEEDS.items():
        made = warp(heard, by, speed)
        wanted = read_image(true, made.frames)
        figures[name] = float(np.abs(made.image - wanted).mean())
        flat = wanted.mean(axis=2, keepdims=True)
        figures[f"{name}_mean_spectrum"] = float(np.abs(flat - wanted).mean())
    return figures


def read_image(image: Floats, frames: Positions) -> Floats:
    """An image (3, M, N) at fractional frames (n,), linear between neighbours: (3, M, n)."""
    places = np.clip(frames, 0, image.shape[2] - 1)
    below = np.minimum(places.astype(np.int64), image.shape[2] - 2)
    share = (places - below).astype(np.float32)
    return image[..., below] * (1 - share) + image[..., below + 1] * share


def _level_figures(frozen: Samples, by: ModelRenderer) -> dict[str, float]:
    second = by.sample_rate_hz
    first_db, last_db = _level_db(frozen[:second]), _level_db(frozen[-second:])
    return {"freeze_drift_db": last_db - first_db, "freeze_first_db": first_db}


def _level_db(samples: Samples) -> float:
    return 10 * float(np.log10(np.square(samples, dtype=np.float64).mean() + 1e-12))
