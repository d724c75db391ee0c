"""The engine's thread keeps the ring filled; the output plays what it rendered."""

from __future__ import annotations

import time

import numpy as np
import pytest

from export.audio.arrays import Floats
from server.controls.desk import Desk
from server.controls.table import control_table
from server.engine.engine import Engine
from server.engine.timing import Timings
from server.output.latency import latency
from server.output.null import NullOutput
from server.output.output_path import LARGEST_REQUEST_S
from server.output.producer import Producer
from server.output.resampler import StreamResampler
from server.output.ring import Ring
from tests import mini_bundle
from tests.server.fakes import FakeSession, fake_deck
from tests.waiting import until


class FakeOutput:
    """Takes from the ring on request."""

    name = "fake"
    latency_s = 0.0
    channels = 2

    def __init__(self, sample_rate_hz: float) -> None:
        self.sample_rate_hz = sample_rate_hz
        self.ring: Ring | None = None

    def new_ring(self, capacity_samples: int) -> Ring:
        return Ring(capacity_samples, 2)

    def is_lost(self) -> bool:
        return False

    def start(self, ring: Ring) -> None:
        self.ring = ring

    def stop(self) -> None:
        self.ring = None

    def take(self, count: int) -> Floats:
        assert self.ring is not None
        target = np.zeros((count, self.ring.channels), np.float32)
        while self.ring.available < count:
            time.sleep(0.001)
        self.ring.read_into(target)
        return target


def engine() -> Engine:
    bundle = mini_bundle.bundle()
    desk = Desk(control_table(mini_bundle.STYLE_DIMS), playing=True)
    made = Engine(bundle.manifest, bundle.latents, FakeSession(bundle.manifest), desk)
    made.put_deck("a", fake_deck("a", 0.3))
    return made


@pytest.mark.parametrize("rate_hz", [mini_bundle.RATE_HZ, 48_000, 44_100])
def test_the_output_plays_what_the_engine_rendered(rate_hz: float) -> None:
    tapped: list[Floats] = []
    producer = Producer(engine(), 4, 3, on_audio=lambda samples, _: tapped.append(samples))
    output = FakeOutput(rate_hz)
    path = producer.path_to(output)
    producer.start(path)
    output.start(path.ring)
    played = np.concatenate([output.take(100) for _ in range(40)])
    producer.stop()
    blocks = len(tapped)
    rendered = StreamResampler(mini_bundle.RATE_HZ, rate_hz, 2).process
    alone = engine()
    wanted = np.concatenate([rendered(alone.render(4).T) for _ in range(blocks)])
    np.testing.assert_array_equal(played, wanted[: len(played)])
    np.testing.assert_array_equal(played, np.concatenate(tapped)[: len(played)])


@pytest.mark.parametrize("rate_hz", [mini_bundle.RATE_HZ, 48_000])
def test_the_ring_is_full_after_the_start_and_never_overflows(rate_hz: float) -> None:
    written: list[int] = []
    producer = Producer(engine(), 4, 3, on_audio=lambda samples, _: written.append(len(samples)))
    path = producer.path_to(FakeOutput(rate_hz))
    producer.start(path)
    block = round(4 * mini_bundle.HOP * rate_hz / mini_bundle.RATE_HZ)
    assert 2 * block <= path.ring.available <= 3 * block + 2
    target, taken = np.zeros((37, 2), np.float32), 0
    for _ in range(300):
        taken += path.ring.read_into(target)
        time.sleep(0.0005)
    producer.stop()
    assert sum(written) == taken + path.ring.available
    assert producer.timings.count == len(written)


@pytest.mark.parametrize("rate_hz", [mini_bundle.RATE_HZ, 48_000])
@pytest.mark.parametrize("blocks_at_once", [3.1, 7.0])
def test_the_ring_grows_for_a_device_that_takes_more_at_once_than_it_holds(
    rate_hz: float, blocks_at_once: float
) -> None:
    producer = Producer(engine(), 4, 3)
    path = producer.path_to(FakeOutput(rate_hz))
    producer.start(path)
    block = round(4 * mini_bundle.HOP * rate_hz / mini_bundle.RATE_HZ)
    target = np.zeros((round(blocks_at_once * block), 2), np.float32)
    path.ring.read_into(target)
    missed = path.ring.underruns
    for _ in range(5):
        until(lambda: not path.has_room)
        path.ring.read_into(target)
    producer.stop()
    assert (missed, path.ring.underruns) == (1, 1)
    assert path.target_s * rate_hz == pytest.approx(len(target) + 2 * block)


def test_an_excessive_request_does_not_fill_the_memory() -> None:
    producer = Producer(engine(), 4, 3)
    path = producer.path_to(FakeOutput(48_000))
    producer.start(path)
    path.ring.read_into(np.zeros((480_000, 2), np.float32))
    producer.stop()
    assert path.target_s <= LARGEST_REQUEST_S + 2 * producer.block_s + 1e-3
    assert path.ring.available <= path.ring.capacity_samples


def test_a_fault_in_the_engine_does_not_end_the_thread() -> None:
    faulty = engine()
    original, calls = faulty.render, iter(range(10**6))

    def render(frames: int) -> Floats:
        if next(calls) == 5:
            raise RuntimeError("broken")
        return original(frames)

    faulty.render = render  # type: ignore[method-assign]
    producer = Producer(faulty, 2, 2)
    output = FakeOutput(mini_bundle.RATE_HZ)
    path = producer.path_to(output)
    producer.start(path)
    output.start(path.ring)
    blocks = [output.take(2 * mini_bundle.HOP) for _ in range(12)]
    producer.stop()
    assert not blocks[5].any()
    assert blocks[11].any()


def test_a_producer_thread_that_dies_is_reported() -> None:
    deaths: list[bool] = []
    producer = Producer(engine(), 4, 3, on_death=lambda: deaths.append(True))
    path = producer.path_to(FakeOutput(mini_bundle.RATE_HZ))
    path.write = lambda *_: 1 / 0  # type: ignore[assignment, method-assign, return-value]
    with pytest.raises(RuntimeError, match="did not fill the ring"):
        producer.start(path, timeout_s=0.5)
    assert deaths == [True]


def test_the_null_output_takes_samples_in_real_time() -> None:
    producer, output = Producer(engine(), 4, 4), NullOutput(16_000)
    path = producer.path_to(output)
    producer.start(path)
    started_s = time.monotonic()
    output.start(path.ring)
    while producer.timings.count < 40:
        time.sleep(0.005)
    elapsed_s = time.monotonic() - started_s
    output.stop()
    output.stop()
    producer.stop()
    producer.stop()
    assert elapsed_s == pytest.approx(36 * producer.block_s, rel=0.35)


@pytest.mark.parametrize("rates", [(44_100, 48_000), (22_050, 48_000), (48_000, 44_100)])
def test_the_resampler_streams_evenly_and_knows_its_latency(rates: tuple[int, int]) -> None:
    source, target = rates
    resampler = StreamResampler(source, target, 1)
    tone = np.sin(2 * np.pi * 1000 * np.arange(source) / source).astype(np.float32)[:, None]
    blocks = [resampler.process(tone[i : i + 512]) for i in range(0, source - 511, 512)]
    sizes = {len(block) for block in blocks[2:]}
    assert max(sizes) - min(sizes) <= 2
    assert 0 < resampler.latency_s < 0.012
    heard = np.concatenate(blocks)[:, 0]
    wanted = np.sin(2 * np.pi * 1000 * np.arange(len(heard)) / target)
    steady = slice(2000, len(heard) - 2000)
    np.testing.assert_allclose(heard[steady], wanted[steady], atol=0.3)  # two samples
    assert np.abs(heard[steady]).max() == pytest.approx(1, abs=0.01)


def test_the_resampler_passes_equal_rates_through() -> None:
    resampler = StreamResampler(48_000, 48_000, 1)
    block = np.ones((5, 1), np.float32)
    assert resampler.process(block) is block
    assert resampler.latency_s == 0


def test_timing_percentiles_match_the_durations() -> None:
    timings = Timings()
    assert timings.percentile_ms(50) == 0
    durations = np.random.default_rng(0).lognormal(-5, 0.5, 5000)
    for duration in durations:
        timings.add(duration)
    for percent in (50, 99, 99.9):
        wanted = np.percentile(durations, percent) * 1e3
        assert timings.percentile_ms(percent) == pytest.approx(wanted, rel=0.03)


@pytest.mark.parametrize("duration", [0.0, 1e-9, 1e9])
def test_extreme_durations_are_counted(duration: float) -> None:
    timings = Timings()
    timings.add(duration)
    assert timings.count == 1


def test_the_latency_table_adds_up() -> None:
    table = latency(
        block_s=0.01,
        ring_s=0.03,
        device_s=0.003,
        window_s=0.02,
        resampler_s=0.005,
        transposing_s=0.001,
        smoothing_s=0.02,
    )
    assert table.total_ms == pytest.approx(5 + 10 + 10 + 3 + 20 + 5 + 1 + 20)
    assert table.table().splitlines()[-1].split() == ["sum", "74.0", "ms"]
