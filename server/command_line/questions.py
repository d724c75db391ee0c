"""The lists and the benchmark that the program prints instead of playing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from export.bundle.format import Bundle
from server.controls.lists import listing
from server.controls.table import controls_of
from server.engine.bench import bench
from server.engine.runtime import RuntimeOptions
from server.output.portaudio import input_devices, load_portaudio, output_devices
from server.output.protocol import NoSoundCard


def deck_lines(bundle: Bundle) -> Iterator[str]:
    """Yield a line for each library deck."""
    for deck in bundle.decks.values():
        tempo = "" if deck.tempo_bpm is None else f", {deck.tempo_bpm:.0f} bpm"
        yield (
            f"{deck.slug}: {deck.title} by {deck.artist}, {deck.seconds:.0f} s{tempo} "
            f"({deck.licence}, {deck.source})"
        )


def control_lines(bundle: Bundle) -> Iterator[str]:
    """Yield a line for each control or family of controls."""
    yield listing(controls_of(bundle))


def sound_card_lines() -> Iterator[str]:
    """Yield a line for each sound card, or one that says what is missing."""
    try:
        cards = output_devices(load_portaudio())
    except NoSoundCard as error:
        yield f"sound cards: none ({error})"
        return
    yield from (f"sound card {card}" for card in cards or ["none"])


def input_lines() -> Iterator[str]:
    """Yield a line for each device that --input can use, or one that says what is missing."""
    try:
        inputs = input_devices(load_portaudio())
    except NoSoundCard as error:
        yield f"inputs: none ({error})"
        return
    yield from (f"input {one}" for one in inputs or ["none"])


def bench_lines(bundle: Bundle, options: RuntimeOptions, as_json: bool) -> Iterator[str]:
    """Yield a line for each block size and number of threads, as soon as it is measured."""
    for row in bench(bundle, options):
        if as_json:
            yield json.dumps(asdict(row))
        else:
            yield (
                f"{row.block_samples:5} samples ({row.block_ms:5.1f} ms), {row.threads} threads, "
                f"{row.provider}: median {row.p50_ms:.2f} ms, 99 % {row.p99_ms:.2f} ms, "
                f"99.9 % {row.p999_ms:.2f} ms, {100 * row.p99_ms / row.block_ms:.0f} % of the block"
            )
