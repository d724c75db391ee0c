"""Playback of a live session: model, timeline, engine thread, output and recordings.

desk -> timeline -> model switch -> producer -> live output
            '-> score recorder         '-> sound recorder
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from export.bundle.format import Bundle
from server.clock.phase_lock import PhaseLock
from server.command_line.settings import Settings
from server.controls.desk import Desk
from server.controls.notify import Notifier
from server.controls.sample_clock import SampleClock
from server.controls.timeline import Timeline
from server.engine.bench import choose_block_frames
from server.engine.cue import open_cue
from server.engine.runtime import RuntimeOptions
from server.models.model_controls import previous_model
from server.models.preparing import prepare_model, try_out
from server.models.switch import Model, ModelSwitch, SwitchedCue
from server.output.commands import OutputCommands
from server.output.opening import live_output
from server.output.producer import Producer
from server.recording.commands import RecordingCommands
from server.score.lines import head_line
from server.score.player import ScorePlayer, score_events
from server.score.prepare import PreparedModel
from server.score.prepared_decks import PreparedDecks
from server.score.recorder import ScoreRecorder
from server.supervision.state_folder import Facts, StateFolder
from server.supervision.state_keeper import StateKeeper, restore
from server.system.callbacks import Soon


class Playback:
    """Everything from the desk to the output.

    ``previous`` holds the facts of an instrument that died, if this one continues in its place.

    Raises:
        OutputError, RuntimeUnavailable: the requested output or device is not available.
    """

    def __init__(
        self,
        settings: Settings,
        bundle: Bundle,
        desk: Desk,
        prepared: PreparedDecks | None,
        folder: StateFolder | None,
        notifier: Notifier,
        soon: Soon,
        on_death: Callable[[], None],
        facts: Callable[[], Facts],
    ) -> None:
        """``on_death`` is called if the engine's thread dies; ``facts`` returns what the next
        instrument must know if this one dies.
        """
        self._settings = settings
        self._desk = desk
        self.prepared = prepared
        self.has_cue = settings.card.cue is not None
        frames = self._block_frames(bundle, folder)
        self.score_recorder = ScoreRecorder(
            head_line(bundle, frames), bundle.manifest.frame_s, settings.media
        )
        self.recordings = RecordingCommands(settings.media, notifier.notify, soon)
        self.make_model = self._model_maker(frames)
        first = self.make_model(bundle, table=desk.table)
        if folder is not None:
            folder.wait()  # loaded; plays as soon as the previous instrument has died
        last_state = folder.read() if folder else None
        if last_state is not None:
            first = previous_model(last_state.model, first, self.make_model, desk, settings.media)
        self.previous = last_state.facts if last_state else None
        clock = SampleClock(bundle.manifest.frame_s, time.time())
        self.timeline = Timeline(desk, clock)
        self.switch = ModelSwitch(self.timeline, first)
        self.lock = PhaseLock(lambda: self.switch.playhead, clock)
        self.producer = self._open_producer(frames, on_death)
        self.live = live_output(
            settings.output,
            settings.card,
            bundle.manifest,
            self.producer,
            self.previous.output if self.previous else None,
        )
        self.outputs = OutputCommands(self.live, notifier.notify, soon, self.has_cue)
        self.keeper = (
            StateKeeper(folder, desk, self.switch, self.timeline, facts) if folder else None
        )
        self._connect()
        if folder and last_state:
            restore(last_state, folder, desk, first.engine, self.timeline)

    @property
    def model(self) -> Model:
        """The model that plays or is about to."""
        return self.switch.newest

    def begin_recordings(self) -> None:
        """Start the recordings of the command line, or continue those of the previous instrument.

        Raises:
            ScoreError, RecordingError: a file cannot be written.
        """
        if path := self._settings.score_out:
            recorder = self.score_recorder
            (recorder.go_on if self.previous else recorder.begin)(path)
        if self.previous:
            self.recordings.resume(self.previous.recording)
        elif self._settings.record:
            self.recordings.recorder.begin(self._settings.record)

    def play_score(self) -> None:
        """Play the score, if there is one; after a restart, from where it broke off."""
        if self.prepared is None or self.prepared.score is None:
            return
        frame_s, played_frames = self.timeline.clock.frame_s, self.timeline.frames_before
        score = self.prepared.prepared_score
        models = {id(one): self._score_model(one) for one in score.models.values()}
        player = ScorePlayer(
            score_events(self.prepared.score, frame_s, played_frames),
            score,
            self.switch,
            lambda prepared: models.pop(id(prepared)),
            self._settings.wekinator,
        )
        self.timeline.play(player)

    def _block_frames(self, bundle: Bundle, folder: StateFolder | None) -> int:
        """Return the block size of the command line, a recorded score or the previous instrument;
        else measure the best one.
        """
        recorded = self.prepared.block_frames if self.prepared else None
        last_state = folder.read() if folder else None
        recorded = recorded or (last_state.facts.block_frames if last_state else None)
        options = RuntimeOptions(self._settings.device)
        return self._settings.block_frames or recorded or choose_block_frames(bundle, options)

    def _model_maker(self, frames: int) -> Callable[..., Model]:
        """Return a function that makes a bundle a model ready to play."""
        options = RuntimeOptions(self._settings.device)
        cue_for = partial(open_cue, options=options, frames=frames, desk=self._desk)
        return partial(
            prepare_model,
            options=options,
            frames=frames,
            on_deck=self.score_recorder.on_deck_loaded,
            cue_for=cue_for if self.has_cue else None,
        )

    def _open_producer(self, frames: int, on_death: Callable[[], None]) -> Producer:
        return Producer(
            self.switch,
            frames,
            on_audio=self.recordings.recorder.receive,
            on_block=self._observe,
            on_death=on_death,
            cue=SwitchedCue(self.switch) if self.has_cue else None,
        )

    def _connect(self) -> None:
        self.score_recorder.follow(self.switch)
        self.timeline.observe(self.score_recorder.on_states)
        self.timeline.follow(self.lock)

    def _score_model(self, prepared: PreparedModel) -> Model:
        """Return a model that the score loads, ready to play."""
        model = self.make_model(prepared.bundle, name=prepared.name)
        return try_out(model, prepared.decks, self.producer.block_frames)

    def _observe(self, delay_s: float) -> None:
        """Note that the next block leaves the device in ``delay_s`` (engine's thread)."""
        model = self.model
        heard_s = time.time() + delay_s + model.bundle.manifest.latency_s + model.engine.lead_s
        self.timeline.clock.observe(self.timeline.next_frame, heard_s)
        if self.keeper is not None:
            self.keeper.look()
