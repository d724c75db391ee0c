"""Which way to turn the style so that a knob does one thing: axes found from what is heard.

Principal axes say where music differs most, not what a hand would call it. So random offsets are
played on training clips and the change of every descriptor is measured. A linear model says by how
much each descriptor rises along each style direction, and for each descriptor in turn the axis is
taken that moves it most while the others move clearly less, at a right angle to the axes taken
before. The rest of the space is filled with its own principal axes.

    offset (D,) in z  -- played, heard -->  change of descriptors (Q,)  -- least squares -->  (D, Q)

What an axis is called is not decided here but on held-out clips, by ``training.naming``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.bundle import Latents

Numbers = NDArray[np.float64]

Hear = Callable[[int, Numbers], Numbers]
"""Of clip number and offset (D,): the change of descriptors (Q,), in standard deviations, between
the offset and its opposite, halved."""

REACH_SPREADS = (1.0, 2.5)
"""How far the random offsets go: where hands will turn to."""

REFINEMENTS = 2
"""Rounds in which the axes found are played themselves and the model is fitted again."""

TRUST = 3.0
"""How much more an axis that was played counts in the fit than a random offset."""

OTHERS = 0.7
"""The others may move at most so much of what the wanted descriptor does; 1 is the naming rule."""

WANTED_EFFECT = 1.15
"""From -2 to 2 spreads, in standard deviations; the naming rule asks for 1 on other clips."""

LEAST_EFFECT = 0.3
"""A descriptor that no axis moves further than this gets none."""

WIDENESS = (0.0, 0.25, 0.5)
"""Powers of the covariance that turn an axis towards where music differs most: one spread is a
larger step there. 0.25 and 0.5 gave up to 1.6 times the effect of 0, and of 1."""

ORDERS = 60
RIDGE = 1e-2


@dataclass(frozen=True)
class Observation:
    """An offset that was played, (D,), the change that was heard, (Q,), and how much it counts."""

    offset: Numbers
    change: Numbers
    weight: float = 1.0


@dataclass(frozen=True)
class _Found:
    """A unit axis (D,) and what it should do to its descriptor from -2 to 2 spreads."""

    axis: Numbers
    effect: float


class Space:
    """A style space's covariance, and how wide the music lies along any axis."""

    def __init__(self, latents: Latents) -> None:
        rows = latents.rotation.astype(np.float64)
        self.dims = len(rows)
        self.covariance = (rows.T * np.square(latents.spread, dtype=np.float64)) @ rows
        found = np.linalg.eigh(self.covariance)
        self._axes: Numbers = found.eigenvectors
        self._variance: Numbers = np.maximum(found.eigenvalues, 1e-4 * found.eigenvalues.max())

    def spread(self, axis: Numbers) -> float:
        """Standard deviation of the music along a unit axis (D,)."""
        return max(float(axis @ self.covariance @ axis), 0.0) ** 0.5

    def narrowness(self, power: float) -> Numbers:
        """The covariance to the power of -``power``, (D, D)."""
        return np.asarray((self._axes * self._variance**-power) @ self._axes.T)

    def principal(self, basis: Numbers) -> Numbers:
        """The principal axes within the span of ``basis`` (D, R), widest first, (R, D)."""
        _, inside = np.linalg.eigh(basis.T @ self.covariance @ basis)
        return np.asarray((basis @ inside[:, ::-1]).T)


def find_axes(
    latents: Latents, hear: Hear, clips: int, pairs: int, random: np.random.Generator
) -> Latents:
    """Axes (D, D) of the same space, those that do one thing first; see above.

    ``pairs`` random offsets are played, over ``clips`` clips in turn, and then the axes found.
    """
    space = Space(latents)
    heard = [_random_offset(space, hear, index % clips, random) for index in range(pairs)]
    axes = choose_axes(space, fit(heard), random)
    for _ in range(REFINEMENTS):
        heard += [_played(space, axis, hear, clip) for axis in axes for clip in range(clips)]
        axes = choose_axes(space, fit(heard), random)
    return completed(space, latents.mean, axes)


def fit(heard: list[Observation]) -> Numbers:
    """Slopes (D, Q): the change of each descriptor for a step of 1 in z, by ridge regression."""
    root = np.sqrt(np.array([[one.weight] for one in heard]))
    offsets = np.stack([one.offset for one in heard]) * root
    changes = np.stack([one.change for one in heard]) * root
    gram = offsets.T @ offsets
    ridge = RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
    return np.asarray(np.linalg.solve(gram + ridge, offsets.T @ changes))


def choose_axes(space: Space, slopes: Numbers, random: np.random.Generator) -> list[Numbers]:
    """One unit axis (D,) for as many descriptors as can have one, strongest effect first.

    Each axis narrows what is left for the next, so many orders are tried; the best has the most
    axes with ``WANTED_EFFECT``, and then the largest effects.
    """
    wanted = range(slopes.shape[1])
    orders = [random.permutation(wanted) for _ in range(ORDERS)]
    best = max((_in_order(space, slopes, order) for order in orders), key=_worth)
    return [one.axis for one in sorted(best, key=lambda one: -one.effect)]


def completed(space: Space, mean: NDArray[np.float32], axes: list[Numbers]) -> Latents:
    """All D axes: those given and the principal axes of what is left, with their spreads."""
    taken = np.array(axes).reshape(len(axes), space.dims)
    rows = np.concatenate([taken, space.principal(_free(taken))])
    return Latents(
        mean=mean,
        rotation=rows.astype(np.float32),
        spread=np.array([space.spread(row) for row in rows], np.float32),
    )


def turned(latents: Latents, order: NDArray[np.int64], signs: Numbers) -> Latents:
    """The axes in another order, each by its sign."""
    return Latents(
        mean=latents.mean,
        rotation=(latents.rotation[order] * signs[order, None]).astype(np.float32),
        spread=latents.spread[order],
    )


def _random_offset(space: Space, hear: Hear, clip: int, random: np.random.Generator) -> Observation:
    axis = random.standard_normal(space.dims)
    axis /= np.linalg.norm(axis)
    offset = axis * space.spread(axis) * random.uniform(*REACH_SPREADS)
    return Observation(offset, hear(clip, offset))


def _played(space: Space, axis: Numbers, hear: Hear, clip: int) -> Observation:
    offset = 2 * axis * space.spread(axis)
    return Observation(offset, hear(clip, offset), TRUST)


def _in_order(space: Space, slopes: Numbers, order: NDArray[np.int64]) -> list[_Found]:
    """Axes for the descriptors in ``order``, as far as there are any."""
    found: list[_Found] = []
    for descriptor in order:
        free = _free(np.array([one.axis for one in found]).reshape(len(found), space.dims))
        best = _best_axis(space, slopes, int(descriptor), free)
        if best.effect >= LEAST_EFFECT:
            found.append(best)
    return found


def _worth(found: list[_Found]) -> tuple[int, float]:
    effects = np.array([one.effect for one in found])
    return int((effects >= WANTED_EFFECT).sum()), float(effects.sum())


def _best_axis(space: Space, slopes: Numbers, descriptor: int, free: Numbers) -> _Found:
    """The unit axis within ``free`` (D, R) with the largest effect, others kept below ``OTHERS``.

    v ~ (cost W + sum of the other slopes' squares)^-1 slope, W being ``Space.narrowness``: a low
    cost silences the others, a high one follows the slope itself.
    """
    inside = free.T @ slopes
    slope, others = inside[:, descriptor], np.delete(inside, descriptor, axis=1)
    crowd = others @ others.T
    tried = [_Found(np.zeros(space.dims), 0.0)]
    for power in WIDENESS:
        narrowness = free.T @ space.narrowness(power) @ free
        unit = (np.trace(crowd) + 1e-12) / np.trace(narrowness)
        for cost in unit * np.logspace(-4, 3, 22):
            axis = free @ np.linalg.solve(crowd + cost * narrowness, slope)
            axis = axis / max(float(np.linalg.norm(axis)), 1e-12)
            changes = 4 * space.spread(axis) * (axis @ slopes)
            side_effect = np.abs(np.delete(changes, descriptor)).max(initial=0.0)
            if side_effect <= OTHERS * changes[descriptor]:
                tried.append(_Found(axis, float(changes[descriptor])))
    return max(tried, key=lambda one: one.effect)


def _free(taken: Numbers) -> Numbers:
    """An orthonormal basis (D, D - taken) of all that is at a right angle to ``taken`` rows."""
    if not len(taken):
        return np.eye(taken.shape[1])
    full, _ = np.linalg.qr(taken.T, mode="complete")
    return np.asarray(full[:, len(taken) :])
