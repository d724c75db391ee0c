"""Renders to a file, without port, device or clock."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from export.audio.arrays import Floats
from export.bundle.format import Bundle
from server.controls.addresses import DECKS
from server.controls.desk import Desk
from server.controls.sample_clock import SampleClock
from server.controls.timeline import Timeline
from server.decks.media import MediaError
from server.engine.bench import block_frames
from server.engine.runtime import RuntimeOptions
from server.models.preparing import prepare_model, try_out
from server.models.switch import Model, ModelSwitch
from server.output.file import Renderer, render_file
from server.score.player import ScoreEvent, ScorePlayer, score_events
from server.score.prepare import PreparedModel
from server.score.prepared_decks import PreparedDecks, bypass_rejection_reason
from server.score.score import Score
from server.system.progress_bar import ProgressBar

BLOCK_SAMPLES = 2048
"""Fixed, not measured, so that the same command always renders the same bits."""


def render(
    bundle: Bundle,
    desk: Desk,
    options: RuntimeOptions,
    path: Path,
    kind: str,
    *,
    prepared: PreparedDecks,
    wekinator: tuple[str, ...] = (),
    frames: int | None = None,
    seconds: float | None = None,
) -> None:
    """Render the playing ``desk`` from position 0; by default for the length of ``prepared``.

    Raises:
        MediaError: no deck is loaded, or one is bypassed that cannot be.
        ScoreError: the score does something that only works live.
        OutputError: the file cannot be written.
        RuntimeUnavailable: the model does not load, or the device cannot be used.
    """
    if not (prepared.decks or prepared.prepared_score.decks or prepared.prepared_score.models):
        raise MediaError("nothing to render; load a recording with --deck-a FILE")
    frame_s = bundle.manifest.frame_s
    events = _offline_events(prepared.score, frame_s)
    frames = frames or prepared.block_frames or block_frames(bundle, BLOCK_SAMPLES)
    timeline = Timeline(desk, SampleClock(frame_s))
    model = prepare_model(bundle, options, frames, table=desk.table)
    switch = ModelSwitch(timeline, model)
    for name, deck in prepared.decks.items():
        switch.put_deck(name, deck)
    for name in DECKS:
        unavailable = model.engine.bypass_unavailable_reason(name)
        if reason := bypass_rejection_reason(desk, name, unavailable):
            raise MediaError(reason)

    def make_model(one: PreparedModel) -> Model:
        model = prepare_model(one.bundle, options, frames, name=one.name)
        return try_out(model, one.decks, frames)

    player = ScorePlayer(events, prepared.prepared_score, switch, make_model, wekinator)
    timeline.play(player)
    bar = ProgressBar(f"rendering {path.name}")
    engine = _SplitAtLoads(switch, timeline, player)
    render_file(engine, path, kind, seconds or prepared.seconds, frames, bar)


def _offline_events(score: Score | None, frame_s: float) -> Sequence[ScoreEvent]:
    """Return the events of a score, if they all work while a file is rendered."""
    if score is None:
        return ()
    for step in score.steps:
        if not all(event.works_offline for event in step.events):
            raise score.file.error(
                step.line.number, f"{step.line.address}: works only live, not in a file"
            )
    return score_events(score, frame_s)


class _SplitAtLoads:
    """The engine with its blocks split where a score loads a deck, which then starts in its exact
    frame.
    """

    def __init__(self, engine: Renderer, timeline: Timeline, player: ScorePlayer) -> None:
        self.manifest = engine.manifest
        self._engine = engine
        self._timeline = timeline
        self._player = player

    def render(self, frames: int) -> Floats:
        """Return the next ``frames`` frames of sound, (C, frames*hop)."""
        parts = []
        while frames:
            part = self._player.frames_to_next_deck(self._timeline.next_frame, frames)
            parts.append(self._engine.render(part))
            frames -= part
        return np.concatenate(parts, axis=1)
