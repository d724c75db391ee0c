"""The first half of loading a deck: its recording, which can be heard before it is encoded.

file, capture   -> read, resampled, at the model's loudness -> recording, and mono for the encoder
library deck    -> its recording decoded
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.audio.arrays import Floats
from export.audio.errors import AudioError
from export.audio.model_input import Captured
from export.audio.recordings import recording_blocks
from export.audio.scratch import FilledArray
from export.audio.sequence import SoundSource, read_sound, take_sound
from export.bundle.format import BundleDeck, Manifest
from server.decks.array_files import ArrayFiles
from server.decks.early_recording import PATIENCE_S, EarlyRecording, Heard
from server.engine.deck import Recording, fade_in, recording_of

Source = str | Path | Captured | BundleDeck
"""A file, sound in memory, or a library deck with a recording."""

Check = Callable[[], None]
"""Called now and then; raises if the work is no longer wanted."""


def no_check() -> None:
    """Never stop."""


@dataclass(frozen=True, eq=False)
class ReadSource:
    """The recording of a source, and what to encode: ``sound``, or the latents in ``stored``."""

    name: str
    recording: Recording
    gain_db: float
    sound: SoundSource | None = None
    stored: BundleDeck | None = None


def needs_encoder(stored: BundleDeck, manifest: Manifest) -> bool:
    """True if a library deck has a recording, whose detail has to be prepared."""
    return manifest.gives_spectra and bool(stored.recording)


def name_of(source: Source) -> str:
    """The name of a source in messages."""
    if isinstance(source, Captured):
        return source.name
    return source.slug if isinstance(source, BundleDeck) else str(source)


def read_source(
    source: Source,
    manifest: Manifest,
    files: ArrayFiles,
    heard: Heard | None = None,
    check: Check = no_check,
) -> ReadSource:
    """Read a source; ``heard`` is called with the beginning of a long file as soon as it is read.

    Raises:
        AudioError: it cannot be used; the message names it.
    """
    if isinstance(source, BundleDeck):
        return _library(source, manifest, files, heard, check)
    if isinstance(source, Captured):
        sound = take_sound(source, manifest, files.new("pcm"))
        return _read(source.name, sound, manifest)
    path = Path(source)
    early_path = files.new("early") if heard is not None else None
    if heard is None or early_path is None:
        sound = read_sound(path, manifest, files.new("pcm"), lambda block: check())
        return _read(path.stem, sound, manifest)
    with closing(EarlyRecording(path, early_path, manifest, heard)) as early:

        def watch(block: Floats) -> None:
            check()
            early(block)

        sound = read_sound(path, manifest, files.new("pcm"), watch)
    return _read(path.stem, sound, manifest)


def _read(name: str, sound: SoundSource, manifest: Manifest) -> ReadSource:
    ticks = max(sound.samples.size // manifest.tick_samples, 1)
    loop_samples = ticks * manifest.tick_samples
    recording = recording_of(sound.pcm, manifest.sample_rate_hz, loop_samples, sound.mid)
    return ReadSource(name, recording, sound.gain_db, sound=sound)


def _library(
    stored: BundleDeck, manifest: Manifest, files: ArrayFiles, heard: Heard | None, check: Check
) -> ReadSource:
    """Decode a recording; if that takes long, it is heard before its end: its gain is known."""
    loop_samples = stored.structure.shape[1] * manifest.tick_samples
    pcm = FilledArray(np.int16, (loop_samples, 2), files.new("pcm"))
    started_s = time.monotonic()
    with closing(pcm):
        for block in _recording_blocks(stored, manifest):
            check()
            if not pcm.filled:
                fade_in(block, manifest.sample_rate_hz)
            pcm.add(block)
            is_due = time.monotonic() - started_s >= PATIENCE_S or pcm.filled >= loop_samples
            if is_due and heard is not None:
                heard(stored.slug, Recording(pcm.array, stored.mid), stored.gain_db)
                heard = None
        if pcm.filled < loop_samples:
            raise AudioError(
                "corrupt",
                f"{stored.slug}: its recording has {pcm.filled} samples, its loop {loop_samples}; "
                "export the bundle again",
            )
        fade_in(pcm.array[::-1], manifest.sample_rate_hz)
        recording = Recording(pcm.finished(), stored.mid)
    return ReadSource(stored.slug, recording, stored.gain_db, stored=stored)


def _recording_blocks(stored: BundleDeck, manifest: Manifest) -> Iterator[NDArray[np.int16]]:
    try:
        yield from recording_blocks(stored.recording, manifest.sample_rate_hz)
    except AudioError as error:
        raise AudioError(error.reason, f"{stored.slug}: its recording {error}") from error
