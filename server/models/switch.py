"""The model switch: renders the model that plays, and crossfades to the next.

    timeline -> segments -- by their table --.-> the outgoing model, its controls held -------.
                                             '-> the present model ---------------------------(+)->

A state of the desk belongs to the model of its table, so the change happens in the frame in which
the desk changed. The phases of two decoders are unrelated, so the crossfade has equal power; with
equal gain the middle would be 3 dB too quiet. Both models are decoded during the crossfade.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from export.audio.arrays import Floats
from export.bundle.format import Bundle, Manifest
from server.controls.control import ControlTable
from server.controls.desk import Segment, Snapshot
from server.engine.cue import Cue
from server.engine.deck import DeckData
from server.engine.engine import Engine, SnapshotSource
from server.engine.limiter import CEILING_DB
from server.engine.playhead import Playhead
from server.engine.session import OrtDecoderSession

FADE_S = 0.25
"""Long enough for the new decoder's state to settle before it plays alone."""


class SegmentFeed:
    """Passes an engine its own segments: a ``SnapshotSource``."""

    def __init__(self, state: Snapshot) -> None:
        self._state = state
        self._segments: tuple[Segment, ...] = ()

    def give(self, segments: tuple[Segment, ...]) -> None:
        """Set the segments of the next block."""
        self._segments, self._state = segments, segments[-1].state

    def snapshot(self) -> Snapshot:
        """The last state given."""
        return self._state

    def segments(self, frames: int) -> tuple[Segment, ...]:
        """The segments of this block."""
        return self._segments


@dataclass(frozen=True, eq=False)
class Model:
    """A bundle ready to play, under its name in ``/model/load``; empty for the first one."""

    name: str
    bundle: Bundle
    table: ControlTable
    session: OrtDecoderSession
    engine: Engine
    feed: SegmentFeed
    cue: Cue | None = None

    def render(self, segments: Sequence[Segment]) -> Floats:
        """Return the frames of ``segments`` as sound, (C, N*hop)."""
        self.feed.give(tuple(segments))
        return self.engine.render(sum(segment.frames for segment in segments))


class SwitchedCue:
    """The cue of the model that plays."""

    def __init__(self, switch: ModelSwitch) -> None:
        self._switch = switch

    def render(self, frames: int) -> Floats | None:
        """See ``Cue.render``."""
        cue = self._switch.newest.cue
        return cue.render(frames) if cue else None


@dataclass
class _PlayingModel:
    """A model that plays, and for how many samples already."""

    model: Model
    samples: int


class ModelSwitch:
    """Renders the model of the desk's state; ``offer`` a model before the desk changes to it."""

    def __init__(self, source: SnapshotSource, first: Model) -> None:
        self._source = source
        self._models: Mapping[int, Model] = {id(first.table): first}
        self._fade_samples = round(FADE_S * first.bundle.manifest.sample_rate_hz)
        self._playing = [_PlayingModel(first, self._fade_samples)]
        self._newest = first

    @property
    def newest(self) -> Model:
        """The model that plays, or will in a moment; from any thread."""
        return self._newest

    @property
    def playhead(self) -> Playhead:
        """The newest model's playhead."""
        return self._newest.engine.playhead

    @property
    def decks(self) -> Mapping[str, DeckData]:
        """The decks loaded last, of the newest model."""
        return self._newest.engine.decks

    def put_deck(self, name: str, deck: DeckData) -> None:
        """Load ``deck`` onto a deck of the newest model; from any thread."""
        self._newest.engine.put_deck(name, deck)

    @property
    def manifest(self) -> Manifest:
        """The newest model's manifest; rate, hop and channels are the same for all."""
        return self._newest.bundle.manifest

    @property
    def is_fading(self) -> bool:
        """True if more than one model plays, or another one waits; from any thread."""
        return len(self._playing) > 1 or self._playing[-1].model is not self._newest

    def offer(self, model: Model) -> None:
        """Be ready to play ``model`` once the desk has its table."""
        self._models = {**self._models, id(model.table): model}
        self._newest = model

    def render(self, frames: int) -> Floats:
        """Return the next ``frames`` frames of sound, (C, N*hop)."""
        segments = self._source.segments(frames)
        runs = itertools.groupby(segments, key=lambda segment: id(segment.state.table))
        parts = [self._part(table, list(run)) for table, run in runs]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def _part(self, table: int, run: list[Segment]) -> Floats:
        """The sound of some frames that belong to one model."""
        previous = self._playing[-1].model
        if id(previous.table) != table:
            model = self._models[table]
            model.engine.playhead.begin_at(previous.engine.position)
            model.engine.notes.continue_from(previous.engine.notes)
            self._playing.append(_PlayingModel(model, 0))
        frames = sum(segment.frames for segment in run)
        outgoing = [
            playing.model.render([Segment(playing.model.feed.snapshot(), frames)])
            for playing in self._playing[:-1]
        ]
        sounds = [*outgoing, self._playing[-1].model.render(run)]
        audio = sounds[0]
        for playing, sound in zip(self._playing[1:], sounds[1:], strict=True):
            audio = self._faded(audio, sound, playing)
        self._drop()
        return audio

    def _faded(self, previous: Floats, current: Floats, playing: _PlayingModel) -> Floats:
        elapsed_samples = playing.samples + np.arange(1, current.shape[1] + 1)
        playing.samples += current.shape[1]
        angles = np.minimum(elapsed_samples / self._fade_samples, 1.0) * (np.pi / 2)
        ceiling = 10 ** (CEILING_DB / 20)
        mixed = previous * np.cos(angles) + current * np.sin(angles)
        return np.asarray(np.clip(mixed, -ceiling, ceiling), np.float32)

    def _drop(self) -> None:
        """Forget models that have faded out."""
        faded_in = [n for n, one in enumerate(self._playing) if one.samples >= self._fade_samples]
        if faded_in[-1:] > [0]:
            del self._playing[: faded_in[-1]]
            tables = {id(playing.model.table) for playing in self._playing} | {
                id(self._newest.table)
            }
            self._models = {key: one for key, one in self._models.items() if key in tables}
