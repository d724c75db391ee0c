"""The rule that names knobs, on plain numbers.

A style dimension is named after a descriptor if turning it from -2 to 2 spreads changes that
descriptor by at least one standard deviation of the descriptor over the data, if the descriptor
rises all the way on at least 80 % of the clips, and if it changes more than every other descriptor,
each in its standard deviations. Otherwise the dimension keeps its number. The useful range of a
knob is how far around 0 it can be turned, beyond +-2 as well, before the change reverses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluate.context import statistics

Numbers = NDArray[np.float64]

POSITIONS = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
"""Positions of a knob at which a traverse is measured, in spreads."""

EFFECT_ENDS = (POSITIONS.index(-2.0), POSITIONS.index(2.0))
"""Indices of -2 and 2, between which an effect is measured."""

LEAST_EFFECT = 1.0
LEAST_MONOTONE = 0.8

SLACK = 0.05
"""Standard deviations by which a step may go back and still count as level: measurement noise."""


@dataclass(frozen=True)
class MeasuredKnob:
    """The effect of one style dimension, over the clips of a traverse.

    ``effects`` is the mean change of each descriptor from -2 to 2 spreads, ``monotone`` the share
    of clips on which it changes in one direction throughout, ``curve`` its mean change at each of
    ``POSITIONS``; all in the descriptors' standard deviations. ``strongest`` is the descriptor that
    changes most, ``effect`` its change and ``interval`` the 95 % interval of that mean. ``name`` is
    the slug of the descriptor where the rule is met; otherwise ``why`` says what is missing.
    """

    index: int
    name: str | None
    strongest: str
    effect: float
    interval: tuple[float, float]
    range: tuple[float, float]
    why: str
    effects: dict[str, float]
    monotone: dict[str, float]
    curve: dict[str, list[float]]

    def to_dict(self) -> dict[str, Any]:
        """The knob as ``report.json`` holds it."""
        return asdict(self)


def name_knobs(traverses: Numbers, names: Sequence[str]) -> list[MeasuredKnob]:
    """The knobs of ``traverses`` (D, clips, positions, Q), in standard deviations of ``names`` (Q).

    A second knob with the same name gets a number: ``attack`` and ``attack-2``.
    """
    knobs = [_knob(index, one, names) for index, one in enumerate(traverses)]
    taken: Counter[str] = Counter()
    numbered = []
    for knob in knobs:
        if knob.name is not None:
            taken[knob.name] += 1
            knob = _renamed(knob, taken[knob.name])
        numbered.append(knob)
    return numbered


def effects_of(traverses: Numbers) -> Numbers:
    """Mean change from -2 to 2 spreads, (..., clips, positions, Q) -> (..., Q)."""
    return np.asarray(_changes(traverses).mean(axis=-2))


def _changes(traverses: Numbers) -> Numbers:
    """Change of every clip from -2 to 2 spreads, (..., clips, positions, Q) -> (..., clips, Q)."""
    low, high = EFFECT_ENDS
    return np.asarray(traverses[..., high, :] - traverses[..., low, :])


def monotone_shares(traverses: Numbers) -> Numbers:
    """Share of clips where a descriptor moves only in its mean effect's direction, (..., Q)."""
    low, high = EFFECT_ENDS
    sign = np.sign(effects_of(traverses))[..., None, None, :]
    steps = np.diff(traverses[..., low : high + 1, :], axis=-2) * sign
    return np.asarray((steps >= -SLACK).all(axis=-2).mean(axis=-2))


def _knob(index: int, traverse: Numbers, names: Sequence[str]) -> MeasuredKnob:
    """Apply the rule to the traverse of one dimension, (clips, positions, Q)."""
    effects, monotone = effects_of(traverse), monotone_shares(traverse)
    strongest = int(np.abs(effects).argmax())
    curve = (traverse - traverse[:, [POSITIONS.index(0.0)]]).mean(axis=0)
    spread = statistics(_changes(traverse)[:, strongest].tolist())
    why = _missing(float(effects[strongest]), float(monotone[strongest]))
    return MeasuredKnob(
        index=index,
        name=None if why else names[strongest],
        strongest=names[strongest],
        effect=float(effects[strongest]),
        interval=(spread["low"], spread["high"]),
        range=_useful_range(curve[:, strongest] * np.sign(effects[strongest])),
        why=why,
        effects=dict(zip(names, effects.tolist(), strict=True)),
        monotone=dict(zip(names, monotone.tolist(), strict=True)),
        curve=dict(zip(names, curve.T.tolist(), strict=True)),
    )


def _missing(effect: float, monotone: float) -> str:
    if abs(effect) < LEAST_EFFECT:
        return f"weaker than {LEAST_EFFECT:g}"
    if monotone < LEAST_MONOTONE:
        return f"one direction on {100 * monotone:.0f} % of clips"
    if effect < 0:
        return "+ decreases it"
    return ""


def _useful_range(curve: Numbers) -> tuple[float, float]:
    """The range around 0, in spreads, within which the mean change keeps rising."""
    middle = POSITIONS.index(0.0)
    high = low = middle
    while high + 1 < len(POSITIONS) and curve[high + 1] > curve[high]:
        high += 1
    while low > 0 and curve[low - 1] < curve[low]:
        low -= 1
    if low == high:
        return POSITIONS[0], POSITIONS[-1]
    return POSITIONS[low], POSITIONS[high]


def _renamed(knob: MeasuredKnob, count: int) -> MeasuredKnob:
    if count == 1:
        return knob
    return MeasuredKnob(**{**vars(knob), "name": f"{knob.name}-{count}"})
