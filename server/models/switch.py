"""Models one after the other, cross-faded: what the engine's thread renders.

    timeline -> segments -- by their table --.-> the model that is leaving, held as it was --.
                                             '-> the model that plays -----------------------(+)->

A state of the desk says by its table whose it is, so the change is in the frame in which the desk
changed. Two decoders' phases have nothing to do with each other, so they are faded with equal
power; with equal gain the middle would be 3 dB too quiet. While it lasts, both are decoded.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from export.bundle.format import Bundle, Manifest
from server.controls.control import ControlTable
from server.controls.desk import Segment, Snapshot
from server.engine.cue import Cue
from server.engine.deck import DeckData
from server.engine.engine import Engine, SnapshotSource
from server.engine.limiter import CEILING_DB
from server.engine.playhead import Playhead
from server.engine.session import OrtDecoderSession
from server.system.arrays import Floats

FADE_S = 0.25
"""Long enough that the new decoder has found into the music before it is alone."""


class SegmentFeed:
    """Gives an engine the segments that are its own: a ``SnapshotSource``."""

    def __init__(self, state: Snapshot) -> None:
        self._state = state
        self._segments: tuple[Segment, ...] = ()

    def give(self, segments: tuple[Segment, ...]) -> None:
        """What the next block is made of."""
        self._segments, self._state = segments, segments[-1].state

    def snapshot(self) -> Snapshot:
        """The last state that it was given."""
        return self._state

    def segments(self, frames: int) -> tuple[Segment, ...]:
        """The segments of this block."""
        return self._segments


@dataclass(frozen=True, eq=False)
class Model:
    """A bundle ready to be played, as ``/model/load`` named it; empty for that of the start."""

    name: str
    bundle: Bundle
    table: ControlTable
    session: OrtDecoderSession
    engine: Engine
    feed: SegmentFeed
    cue: Cue | None = None

    def render(self, segments: Sequence[Segment]) -> Floats:
        """The frames of ``segments`` as sound, (C, N*hop)."""
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
class _FadingModel:
    """A model that is heard, and for how many samples already."""

    model: Model
    samples: int


class ModelSwitch:
    """Renders the model to which the desk's state belongs; ``offer`` it before the desk changes."""

    def __init__(self, source: SnapshotSource, first: Model) -> None:
        self._source = source
        self._models: Mapping[int, Model] = {id(first.table): first}
        self._fade_samples = round(FADE_S * first.bundle.manifest.sample_rate_hz)
        self._voices = [_FadingModel(first, self._fade_samples)]
        self._newest = first

    @property
    def newest(self) -> Model:
        """The model that plays, or will in a moment; from any thread."""
        return self._newest

    @property
    def playhead(self) -> Playhead:
        """Of the newest model."""
        return self._newest.engine.playhead

    @property
    def decks(self) -> Mapping[str, DeckData]:
        """What was laid onto the decks of the newest model last."""
        return self._newest.engine.decks

    def put_deck(self, name: str, deck: DeckData) -> None:
        """Lay ``deck`` onto a deck of the newest model; from any thread."""
        self._newest.engine.put_deck(name, deck)

    @property
    def manifest(self) -> Manifest:
        """Of the model that plays; rate, hop and channels are the same for all."""
        return self._newest.bundle.manifest

    @property
    def is_fading(self) -> bool:
        """Whether more than one model is heard, or another one waits; from any thread."""
        return len(self._voices) > 1 or self._voices[-1].model is not self._newest

    def offer(self, model: Model) -> None:
        """Be ready to play ``model`` when the desk has its table."""
        self._models = {**self._models, id(model.table): model}
        self._newest = model

    def render(self, frames: int) -> Floats:
        """The next ``frames`` frames of sound, (C, N*hop)."""
        segments = self._source.segments(frames)
        runs = itertools.groupby(segments, key=lambda segment: id(segment.state.table))
        parts = [self._part(table, list(run)) for table, run in runs]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def _part(self, table: int, run: list[Segment]) -> Floats:
        """The sound of some frames that belong to one model."""
        before = self._voices[-1].model
        if id(before.table) != table:
            model = self._models[table]
            model.engine.playhead.begin_at(before.engine.position)
            model.engine.notes.continue_from(before.engine.notes)
            self._voices.append(_FadingModel(model, 0))
        frames = sum(segment.frames for segment in run)
        leaving = [
            voice.model.render([Segment(voice.model.feed.snapshot(), frames)])
            for voice in self._voices[:-1]
        ]
        sounds = [*leaving, self._voices[-1].model.render(run)]
        audio = sounds[0]
        for voice, sound in zip(self._voices[1:], sounds[1:], strict=True):
            audio = self._faded(audio, sound, voice)
        self._drop()
        return audio

    def _faded(self, before: Floats, now: Floats, voice: _FadingModel) -> Floats:
        there = voice.samples + np.arange(1, now.shape[1] + 1)
        voice.samples += now.shape[1]
        angles = np.minimum(there / self._fade_samples, 1.0) * (np.pi / 2)
        ceiling = 10 ** (CEILING_DB / 20)
        mixed = before * np.cos(angles) + now * np.sin(angles)
        return np.asarray(np.clip(mixed, -ceiling, ceiling), np.float32)

    def _drop(self) -> None:
        """Forget those that are no longer heard."""
        through = [n for n, one in enumerate(self._voices) if one.samples >= self._fade_samples]
        if through[-1:] > [0]:
            del self._voices[: through[-1]]
            tables = {id(voice.model.table) for voice in self._voices} | {id(self._newest.table)}
            self._models = {key: one for key, one in self._models.items() if key in tables}
