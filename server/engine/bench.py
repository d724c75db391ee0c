"""Benchmark of decoding on this machine, and the choice of the block size.

Times ``engine.render``, the whole cost of a block, in a thread like the engine's: same priority,
and a pause between blocks. Two decks between which the sound is, each with its detail and with a
knob turned, cost the most.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from export.bundle.format import Bundle, Manifest
from server.controls.addresses import DECKS
from server.controls.desk import Desk
from server.controls.events import SetControl
from server.controls.table import control_table
from server.engine.deck import DeckData, Recording, library_deck
from server.engine.denormals import flush_denormals
from server.engine.engine import Engine
from server.engine.runtime import RuntimeOptions
from server.engine.session import OrtDecoderSession, warm_up
from server.engine.timing import Timings
from server.system.priority import raise_own_priority

BENCH_SAMPLES = (256, 512, 1024, 2048)
BENCH_THREADS = (1, 2)
BENCH_DECKS = (1, 2)
BENCH_BLOCKS = 1000

SMALLEST_BLOCK_SAMPLES = 512
LARGEST_BLOCK_SAMPLES = 8192
TRIAL_BLOCKS = 40
MAX_DECODE_SHARE = 0.6
"""The share of a block's duration that decoding may take; the rest is for everything else."""


@dataclass(frozen=True)
class BenchRow:
    """Decode times of one block size on one number of threads."""

    block_samples: int
    block_ms: float
    threads: int
    decks: int
    provider: str
    p50_ms: float
    p99_ms: float
    p999_ms: float


def bench(
    bundle: Bundle, options: RuntimeOptions, blocks: int = BENCH_BLOCKS
) -> Iterator[BenchRow]:
    """Measure blocks around 512 samples on one and two threads; yield each row when it is ready.

    Raises:
        RuntimeUnavailable: the decoder does not load, or the device cannot be used.
    """
    sizes = sorted({block_frames(bundle, samples) for samples in BENCH_SAMPLES})
    with _engine_like_thread() as thread:
        for threads, decks, frames in itertools.product(BENCH_THREADS, BENCH_DECKS, sizes):
            row_options = replace(options, threads=threads)
            yield thread.submit(_measure, bundle, row_options, frames, blocks, decks).result()


def choose_block_frames(bundle: Bundle, options: RuntimeOptions) -> int:
    """Return the smallest block, from 512 samples up in doublings, that decodes fast enough.

    Raises:
        RuntimeUnavailable: the decoder does not load, or the device cannot be used.
    """
    with _engine_like_thread() as thread:
        return thread.submit(_smallest_block, bundle, options).result()


def _engine_like_thread() -> ThreadPoolExecutor:
    def initialise() -> None:
        raise_own_priority()
        flush_denormals()

    return ThreadPoolExecutor(1, initializer=initialise)


def _smallest_block(bundle: Bundle, options: RuntimeOptions) -> int:
    frames = block_frames(bundle, SMALLEST_BLOCK_SAMPLES)
    while True:
        row = _measure(bundle, options, frames, TRIAL_BLOCKS, decks=2)
        larger = 2 * row.block_samples
        if row.p99_ms < MAX_DECODE_SHARE * row.block_ms or larger > LARGEST_BLOCK_SAMPLES:
            return frames
        frames *= 2


def block_frames(bundle: Bundle, samples: int) -> int:
    """Return how many whole frames make at least ``samples`` samples."""
    return -(-samples // bundle.manifest.hop_samples)


def _measure(
    bundle: Bundle, options: RuntimeOptions, frames: int, blocks: int, decks: int
) -> BenchRow:
    manifest = bundle.manifest
    session = OrtDecoderSession(bundle, options, frames)
    warm_up(session, manifest, frames)
    desk = Desk(control_table(manifest.style_dims), playing=True)
    engine = Engine(manifest, bundle.latents, session, desk)
    desk.apply([SetControl("/interp", (0.4,)), SetControl("/latent/0", (1.0,))])
    for letter in DECKS[:decks]:
        engine.put_deck(letter, _any_deck(bundle))
    timings = _time_blocks(engine, frames, blocks)
    samples = frames * manifest.hop_samples
    return BenchRow(
        block_samples=samples,
        block_ms=round(1e3 * samples / manifest.sample_rate_hz, 3),
        threads=options.threads,
        decks=decks,
        provider=session.provider,
        p50_ms=round(timings.percentile_ms(50), 3),
        p99_ms=round(timings.percentile_ms(99), 3),
        p999_ms=round(timings.percentile_ms(99.9), 3),
    )


def _time_blocks(engine: Engine, frames: int, blocks: int) -> Timings:
    timings = Timings()
    for _ in range(blocks):
        started_s = time.perf_counter()
        engine.render(frames)
        elapsed_s = time.perf_counter() - started_s
        timings.add(elapsed_s)
        time.sleep(elapsed_s)  # the same time again: other threads have work to do too
    return timings


def _any_deck(bundle: Bundle) -> DeckData:
    """Return a library deck, or a silent one where the bundle has none; of a bundle that can add
    detail its beginning, with noise as the recording."""
    manifest, random = bundle.manifest, np.random.default_rng(0)
    deck = next((library_deck(stored) for stored in bundle.decks.values()), _silence(manifest))
    if not manifest.gives_spectra:
        return deck
    deck = replace(deck, structure=deck.structure[:, : manifest.clip_ticks])
    spectra = deck.ticks * manifest.frames_per_tick * manifest.spectra_per_frame
    pcm = random.integers(-3000, 3000, (deck.ticks * manifest.tick_samples, 2), np.int16)
    reference = random.normal(0, 1, (spectra, manifest.spectrum_bins)).astype(np.float16)
    return replace(deck, recording=Recording(pcm), reference=reference)


def _silence(manifest: Manifest) -> DeckData:
    style = np.zeros(manifest.style_dims, np.float32)
    structure = np.zeros((manifest.structure_dims, 8), np.float32)
    return DeckData(
        name="silence",
        style_mean=style,
        style_track=style[None],
        style_ticks=np.zeros(1, np.float32),
        structure=structure,
        gain_db=0.0,
        seconds=1.0,
    )
