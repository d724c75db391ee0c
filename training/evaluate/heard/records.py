"""Held-out recordings as a listener has them: at their own rate, in stereo, and loaded on a deck.

A store is mono at the model's rate. ``--sources`` names the folders that the store was made from,
whose files are read again; without them, or where a file is gone, the store's own sound is taken.

    piece   | lead 1 s |------ measured ------| tail |       loaded onto a deck as it is
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr

from export.audio.arrays import Floats
from export.audio.decoding import stereo_blocks
from export.audio.model_input import AudioError, repeat_to
from server.engine.deck import DeckData
from training.evaluate.context import EvaluationContext, SectionError
from training.evaluate.heard.player import Player
from training.measures.excerpts import DRAWS, KINDS, QUIET_RMS, kind_of
from training.store.index import StoredRecording
from training.store.store import to_float

LEAD_S, TAIL_S = 1.0, 0.5


@dataclass(frozen=True, eq=False)
class Record:
    """A piece of a recording: (2, T) at its own rate, at the level of its ``deck``.

    ``is_stereo`` is False where only one channel is known.
    """

    name: str
    start_s: float
    rate_hz: int
    samples: Floats
    is_stereo: bool
    deck: DeckData

    @property
    def seconds(self) -> float:
        """Length of the piece."""
        return self.samples.shape[1] / self.rate_hz

    @property
    def truth(self) -> Floats:
        """The measured part (2, T)."""
        return self.between(LEAD_S, self.seconds - TAIL_S)

    def between(self, begin_s: float, end_s: float) -> Floats:
        """The piece (2, T) from one time to another."""
        return self.samples[:, round(begin_s * self.rate_hz) : round(end_s * self.rate_hz)]

    def truth_at(self, rate_hz: int) -> Floats:
        """The measured part (2, T) at another rate."""
        return resampled(self.truth, self.rate_hz, rate_hz)

    def mid(self, stereo: Floats) -> Floats:
        """The mono sound (T,) of (2, T) that the encoder hears of this recording."""
        recording = self.deck.recording
        shares = recording.mid if recording else (0.5, 0.5)
        return np.asarray(shares[0] * stereo[0] + shares[1] * stereo[1], np.float32)


def resampled(stereo: Floats, from_hz: int, to_hz: int) -> Floats:
    """Sound (2, T) at another rate (soxr, HQ)."""
    if from_hz == to_hz:
        return stereo
    return np.ascontiguousarray(soxr.resample(stereo.T, from_hz, to_hz).T, np.float32)


def draw_recordings(context: EvaluationContext, count: int) -> list[StoredRecording]:
    """Up to ``count`` recordings of the measured split, real ones first, each once."""
    recordings = context.store.split(context.split)
    random = np.random.default_rng(context.seed)
    shuffled = [recordings[index] for index in random.permutation(len(recordings))]
    return sorted(shuffled, key=lambda one: KINDS.index(kind_of(one)))[:count]


def load_record(
    context: EvaluationContext,
    player: Player,
    recording: StoredRecording,
    seconds: float,
    start_s: float | None = None,
) -> Record:
    """Cut the piece whose measured part begins at ``start_s``, by default one that is not silent.

    Raises:
        SectionError: its sound cannot be used; the message names it.
    """
    whole, rate_hz, is_stereo = _whole(context, recording)
    length = round((LEAD_S + seconds + TAIL_S) * rate_hz)
    whole = np.stack([repeat_to(channel, length) for channel in whole])
    last = whole.shape[1] - length
    if start_s is None:
        start = _loud_start(whole, length, np.random.default_rng(context.seed))
    else:
        start = min(max(round((start_s - LEAD_S) * rate_hz), 0), last)
    piece = whole[:, start : start + length]
    try:
        deck = player.deck(recording.name, piece, rate_hz)
    except AudioError as error:
        raise SectionError(f"{recording.name} cannot be loaded: {error}") from error
    at_level = np.clip(piece * np.float32(10 ** (deck.gain_db / 20)), -1, 1)
    begins_s = start / rate_hz + LEAD_S
    return Record(recording.name, begins_s, rate_hz, at_level, is_stereo, deck)


def heard(
    player: Player,
    decks: Sequence[Record],
    settings: dict[str, float],
    rate_hz: int | None = None,
) -> Floats:
    """The measured part (2, T) of one or two records on decks a and b, at the first one's rate."""
    first = decks[0]
    loaded = {name: record.deck for name, record in zip("ab", decks, strict=False)}
    played = player.play(loaded, settings, first.seconds)
    rate_hz = rate_hz or first.rate_hz
    sound = resampled(played, player.sample_rate_hz, rate_hz)
    begin = round(LEAD_S * rate_hz)
    return sound[:, begin : begin + first.truth_at(rate_hz).shape[1]]


def short_title(record: Record) -> str:
    """The record's name on the page."""
    return f"{Path(record.name).stem[:48]}, {record.start_s:.0f} s"


def _whole(context: EvaluationContext, recording: StoredRecording) -> tuple[Floats, int, bool]:
    """The whole sound (2, T), its rate, and whether it is stereo."""
    for folder in context.sources:
        # Names begin with the data set's folder, which a user may name itself.
        for place in (folder, folder.resolve().parent):
            if (place / recording.name).is_file():
                return *_read(place / recording.name), True
    mono = to_float(context.store.audio(recording))
    return np.stack([mono, mono]), context.store.sample_rate_hz, False


def _read(path: Path) -> tuple[Floats, int]:
    """A file's sound (2, T) up to a change of its rate, and the rate.

    Raises:
        SectionError: it cannot be read; the message names it.
    """
    try:
        blocks = list(stereo_blocks(path))
    except AudioError as error:
        raise SectionError(f"{path} cannot be read: {error}") from error
    rate_hz = blocks[0].rate_hz
    parts = [block.samples for block in blocks if block.rate_hz == rate_hz]
    return np.ascontiguousarray(np.concatenate(parts).T), rate_hz


def _loud_start(whole: Floats, length: int, random: np.random.Generator) -> int:
    """A start whose piece is not silent, if there is one."""
    for _ in range(DRAWS):
        start = int(random.integers(whole.shape[1] - length + 1))
        if np.sqrt(np.square(whole[:, start : start + length]).mean()) > QUIET_RMS:
            break
    return start
