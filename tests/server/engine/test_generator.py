"""Generated structure: the prior receives what plays, in the playhead's time; faults are caught."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from export.audio.arrays import Floats
from server.engine.generator import PRIMING_TICKS, Generator
from server.engine.playhead import ticks_at
from server.engine.runtime import RuntimeUnavailable
from server.engine.structure_prior import OrtPrior
from tests import mini_bundle
from tests.server.fakes import FakePrior

MANIFEST = mini_bundle.manifest()
DIMS, PER_TICK = mini_bundle.STRUCTURE_DIMS, mini_bundle.TICK_FRAMES


def deck_ramp(n: int, ticks: NDArray[np.float64]) -> Floats:
    """Decks whose structure at tick t is t / 1000."""
    return np.tile(ticks / 1000, (DIMS, 1)).astype(np.float32)


def follow(
    generator: Generator, positions: list[float], generate: float = 1.0, temperature: float = 1.0
) -> Floats:
    count = len(positions)
    return generator.follow(
        np.array(positions, np.float64),
        np.tile(np.arange(count, dtype=np.float32), (mini_bundle.STYLE_DIMS, 1)),
        np.full(count, generate),
        np.full(count, temperature),
        deck_ramp,
    )


def frames(first: int, count: int) -> list[float]:
    return [float(frame) for frame in range(first, first + count)]


@pytest.fixture
def prior() -> FakePrior:
    return FakePrior()


@pytest.fixture
def generator(prior: FakePrior) -> Generator:
    return Generator(prior, MANIFEST)


def test_the_prior_is_primed_with_the_last_ticks_of_the_decks(
    generator: Generator, prior: FakePrior
) -> None:
    follow(generator, [100.0])
    present = int(np.floor(ticks_at(np.array([100.0]), PER_TICK)[0]))
    heard = np.arange(present - PRIMING_TICKS + 1, present + 1) / 1000
    np.testing.assert_allclose(prior.received[0][0], heard, atol=1e-6)


def test_with_generate_on_the_prior_hears_itself_and_frames_are_linear_between_ticks(
    generator: Generator, prior: FakePrior
) -> None:
    # Position 0 lies a quarter of a tick before tick 0, whose successor is drawn as 2.
    played = follow(generator, frames(0, 9))[0]
    np.testing.assert_allclose(played[1:], 2 + np.arange(8) / 2 + 0.25, atol=1e-6)
    heard = [float(tick[0, -1]) for tick in prior.received[1:]]
    assert heard == [2, 3, 4, 5]


def test_with_generate_off_the_prior_hears_the_decks_at_their_exact_ticks(
    generator: Generator, prior: FakePrior
) -> None:
    follow(generator, frames(0, 9), generate=0.0)
    heard = [float(tick[0, -1]) for tick in prior.received]
    np.testing.assert_allclose(heard, np.array([-1, 0, 1, 2, 3]) / 1000, atol=1e-7)


def test_with_generate_in_between_the_prior_hears_the_mixture(
    generator: Generator, prior: FakePrior
) -> None:
    follow(generator, frames(0, 2), generate=0.25)
    np.testing.assert_allclose(prior.received[1], 0.25 * 2, atol=1e-6)


def test_any_block_size_generates_the_same() -> None:
    one, other = (Generator(OrtPrior(mini_bundle.prior_onnx(), MANIFEST), MANIFEST) for _ in "ab")

    def play(generator: Generator, blocks: list[int]) -> Floats:
        parts, first = [], 0
        for count in blocks:
            positions = np.arange(first, first + count, dtype=np.float64)
            row = np.sin(positions) / 2 + 0.5
            style = np.tile(row, (mini_bundle.STYLE_DIMS, 1)).astype(np.float32)
            parts.append(generator.follow(positions, style, row, row, deck_ramp))
            first += count
        return np.concatenate(parts, axis=1)

    np.testing.assert_array_equal(play(one, [40]), play(other, [1, 5, 2, 17, 15]))


def test_the_prior_gets_the_current_style_and_temperature(
    generator: Generator, prior: FakePrior
) -> None:
    follow(generator, frames(0, 6), temperature=0.5)
    assert [float(style[0]) for style in prior.styles] == [0, 1, 3, 5]
    assert set(prior.temperatures) == {0.5}


@pytest.mark.parametrize(
    ("positions", "drawn"),
    [
        ([0.0] * 50, 1),  # frozen
        ([0.0, 0.5, 1.0, 1.5, 2.0], 2),  # half speed
        ([0.0, 4.0, 8.0, 12.0], 7),  # four times as fast
        ([20.0, 19.0, 18.0, 17.0, 16.0], 3),  # backwards: music is still drawn forwards
        ([0.0, 1000.0, 1001.0, 10.0, 11.0], 3),  # jumps
    ],
)
def test_ticks_are_drawn_in_the_playheads_time(
    generator: Generator, prior: FakePrior, positions: list[float], drawn: int
) -> None:
    played = follow(generator, positions)[0]
    assert len(prior.received) == drawn
    if drawn > 1:
        assert (np.diff(played[2:]) > 0).all()


@pytest.mark.parametrize("fault", [np.nan, np.inf, RuntimeError("out of memory"), RuntimeError()])
def test_a_failing_prior_is_replaced_by_the_decks_and_reset(
    generator: Generator, prior: FakePrior, fault: float | Exception
) -> None:
    prior.faulty[2] = fault
    played = follow(generator, frames(0, 12))
    assert np.isfinite(played).all()
    assert generator.failed_ticks == 1
    assert prior.resets == 1
    assert float(prior.received[3][0, -1]) == pytest.approx(
        1 / 1000
    )  # the decks' tick in its place


def test_a_reset_prior_is_primed_again(generator: Generator, prior: FakePrior) -> None:
    follow(generator, frames(0, 10))
    generator.reset()
    follow(generator, frames(10, 1))
    assert prior.resets == 1
    assert prior.received[-1].shape == (DIMS, PRIMING_TICKS)


def test_randomness_depends_on_the_seed_alone() -> None:
    priors = [FakePrior() for _ in range(3)]
    for prior, seed in zip(priors, (5, 5, 6), strict=True):
        follow(Generator(prior, MANIFEST, seed), frames(0, 10))
    noise = [np.concatenate([one.normal for one in prior.noise]) for prior in priors]
    assert np.array_equal(noise[0], noise[1])
    assert not np.array_equal(noise[0], noise[2])
    assert all(0 <= one.uniform < 1 for one in priors[0].noise)


def test_the_graphs_state_is_carried_from_tick_to_tick_until_reset() -> None:
    prior = OrtPrior(mini_bundle.prior_onnx(), MANIFEST)
    generator = Generator(prior, MANIFEST)
    follow(generator, frames(0, 8))
    assert prior._states["calls"] == 5
    generator.reset()
    assert prior._states["calls"] == 0


@pytest.mark.parametrize("graph", [mini_bundle.encoder_onnx(), b"no graph"])
def test_a_graph_that_is_not_a_prior_is_refused(graph: bytes) -> None:
    with pytest.raises(RuntimeUnavailable):
        OrtPrior(graph, MANIFEST)
