"""Rendering to a file: the decks first, then the sound, with no port, device or clock."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from export.bundle.format import Bundle
from server.controls import events
from server.controls.addresses import DECKS
from server.controls.desk import Desk
from server.controls.sample_clock import SampleClock
from server.controls.timeline import Timeline
from server.decks.media import MediaError
from server.engine.bench import block_frames
from server.engine.runtime import RuntimeOptions
from server.models.preparing import prepare_model, try_out
from server.models.switch import Model, ModelSwitch
from server.osc.wekinator import Wekinator
from server.output.file import FileKind, Renderer, render_file
from server.score.player import ScoreEvent, ScorePlayer, score_events
from server.score.prepare import PreparedModel
from server.score.prepared_decks import PreparedDecks, bypass_rejection_reason
from server.score.score import Score
from server.system.arrays import Floats
from server.system.progress_bar import ProgressBar

BLOCK_SAMPLES = 2048
"""Not measured but fixed, so that the same call gives the same bits whatever else runs."""

_NOTHING_LIVE = (
    events.SetControl,
    events.SetGlide,
    events.ClearMotion,
    events.Play,
    events.Stop,
    events.Panic,
    events.PlayNote,
    events.MaxOut,
    events.Flatten,
    events.Randomise,
    events.ResetOffsets,
    events.WekinatorOutputs,
    events.LoadDeck,
    events.LoadModel,
    events.Quit,
)
"""What a score may do where there is no port, no device and no clock."""


def render(
    bundle: Bundle,
    desk: Desk,
    options: RuntimeOptions,
    path: Path,
    kind: FileKind,
    *,
    stage: PreparedDecks,
    wekinator: tuple[str, ...] = (),
    frames: int | None = None,
    seconds: float | None = None,
) -> None:
    """Render the playing ``desk`` from position 0; by default as long as ``stage`` is.

    Raises:
        MediaError: no deck, or one that is bypassed and cannot be.
        ScoreError: a score that needs to be live.
        OutputError: the file cannot be written.
        RuntimeUnavailable: the model does not load, or the device cannot be used.
    """
    if not (stage.decks or stage.prepared_score.decks or stage.prepared_score.models):
        raise MediaError("nothing to render: name a recording with --deck-a FILE")
    frame_s = bundle.manifest.frame_s
    moments = _moments(stage.score, frame_s)
    frames = frames or stage.block_frames or block_frames(bundle, BLOCK_SAMPLES)
    timeline = Timeline(desk, SampleClock(frame_s))
    model = prepare_model(bundle, options, frames, table=desk.table)
    switch = ModelSwitch(timeline, model)
    for name, deck in stage.decks.items():
        switch.put_deck(name, deck)
    for name in DECKS:
        if why := bypass_rejection_reason(desk, name, model.engine.bypass_unavailable_reason(name)):
            raise MediaError(why)
    Wekinator(desk.table, wekinator)  # what it cannot move is told before anything is written

    def come(coming: PreparedModel) -> Model:
        model = prepare_model(coming.bundle, options, frames, name=coming.name)
        return try_out(model, coming.decks, frames)

    player = ScorePlayer(moments, stage.prepared_score, switch, come, wekinator)
    timeline.play(player)
    bar = ProgressBar(f"rendering {path.name}")
    played = _CutAtDecks(switch, timeline, player)
    render_file(played, path, kind, seconds or stage.seconds, frames, bar)


def _moments(score: Score | None, frame_s: float) -> Sequence[ScoreEvent]:
    """What a score does, if all of it can be done here."""
    if score is None:
        return ()
    for entry in score.entries:
        if not all(isinstance(event, _NOTHING_LIVE) for event in entry.events):
            raise score.file.error(
                entry.line.number, f"{entry.line.address}: works live only, not in a file"
            )
    return score_events(score, frame_s)


class _CutAtDecks:
    """The engine, its blocks cut where a score lays a deck: that begins to the frame too."""

    def __init__(self, engine: Renderer, timeline: Timeline, player: ScorePlayer) -> None:
        self.manifest = engine.manifest
        self._engine = engine
        self._timeline = timeline
        self._player = player

    def render(self, frames: int) -> Floats:
        """The next ``frames`` frames of sound, (C, frames*hop)."""
        parts = []
        while frames:
            part = self._player.frames_to_next_deck(self._timeline.next_frame, frames)
            parts.append(self._engine.render(part))
            frames -= part
        return np.concatenate(parts, axis=1)
