"""What sounds in a live session: the model that plays, its time, the engine's thread, the output.

desk -> timeline -> model switch -> producer -> live output
            '-> score recorder         '-> recorder of what is heard
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
from server.controls.timeline import OnExecuted, Timeline
from server.engine.bench import choose_block_frames
from server.engine.cue import open_cue
from server.engine.runtime import RuntimeOptions
from server.models.model_controls import last_model
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
from server.supervision.keeping import StateKeeper, take_up
from server.supervision.state_folder import Facts, StateFolder
from server.system.callbacks import Soon


class Playback:
    """Everything from the desk to the ear.

    ``before`` are the facts of an instrument that died, in whose place this one plays.

    Raises:
        OutputError, RuntimeUnavailable: what was asked for cannot be had here.
    """

    def __init__(
        self,
        settings: Settings,
        bundle: Bundle,
        desk: Desk,
        stage: PreparedDecks | None,
        folder: StateFolder | None,
        notifier: Notifier,
        soon: Soon,
        on_executed: OnExecuted,
        on_death: Callable[[], None],
        facts: Callable[[], Facts],
    ) -> None:
        """``on_executed`` is told what was done at its time, ``on_death`` that the engine's thread
        has died; ``facts`` are what the next instrument must know of this one."""
        manifest = bundle.manifest
        options = RuntimeOptions(settings.device)
        self._settings = settings
        self.stage = stage
        before = folder.read() if folder else None
        recorded = stage.block_frames if stage else None
        recorded = recorded or (before.facts.block_frames if before else None)
        frames = settings.block_frames or recorded or choose_block_frames(bundle, options)
        self.score = ScoreRecorder(
            head_line(bundle, frames),
            manifest.frame_s,
            settings.media,
            lambda: self.model.engine.position,
        )
        self.record = RecordingCommands(settings.media, notifier.tell, soon)
        self.has_cue = settings.card.cue is not None
        self.ready = partial(
            prepare_model,
            options=options,
            frames=frames,
            on_deck=self.score.on_deck_loaded,
            cue_for=partial(open_cue, options=options, frames=frames, desk=desk)
            if self.has_cue
            else None,
        )
        self.first = self.ready(bundle, table=desk.table)
        if folder is not None:
            folder.wait()  # loaded, and ready to play when the one before has died
            before = folder.read()
            name = before.model if before else ""
            self.first = last_model(name, self.first, self.ready, desk, settings.media)
        self.before = before.facts if before else None
        clock = SampleClock(manifest.frame_s, time.time())
        self.timeline = Timeline(desk, clock, on_executed)
        self.timeline.observe(self.score.on_states)
        self.switch = ModelSwitch(self.timeline, self.first)
        self.lock = PhaseLock(lambda: self.switch.playhead, clock)
        self.timeline.follow(self.lock)
        self.producer = Producer(
            self.switch,
            frames,
            on_audio=self.record.recorder.receive,
            on_block=self._observe,
            on_death=on_death,
            cue=SwitchedCue(self.switch) if self.has_cue else None,
        )
        self.live = live_output(
            settings.output,
            settings.card,
            manifest,
            self.producer,
            lambda: self.output_hands.report(),
            self.before.output if self.before else None,
        )
        self.output_hands = OutputCommands(self.live, notifier.tell, soon)
        self.keeper = (
            StateKeeper(folder, desk, self.switch, self.timeline, facts) if folder else None
        )
        if folder and before:
            take_up(before, folder.read_decks(), desk, self.first.engine, self.timeline)

    @property
    def model(self) -> Model:
        """What plays, or will in a moment."""
        return self.switch.newest

    def begin_recordings(self) -> None:
        """Record what the command line says from the first sound on, or what was being recorded.

        Raises:
            ScoreError, RecordingError: a file cannot be written.
        """
        if path := self._settings.score_out:
            (self.score.go_on if self.before else self.score.begin)(path)
        if self.before:
            self.record.go_on(self.before.recording)
        elif self._settings.record:
            self.record.recorder.begin(self._settings.record)

    def play_score(self) -> None:
        """Play the score, if there is one, from where the instrument before has come to."""
        if self.stage is None or self.stage.score is None:
            return
        frame_s, played = self.timeline.clock.frame_s, self.timeline.frames_before
        events = score_events(self.stage.score, frame_s, played)
        prepared = self.stage.prepared_score
        comes = {id(one): self._come(one) for one in prepared.models.values()}
        player = ScorePlayer(
            events,
            prepared,
            self.switch,
            lambda coming: comes.pop(id(coming)),
            self._settings.wekinator,
        )
        self.timeline.play(player)

    def _come(self, coming: PreparedModel) -> Model:
        """A model of the score, ready before it begins."""
        model = self.ready(coming.bundle, name=coming.name)
        return try_out(model, coming.decks, self.producer.block_frames)

    def _observe(self, behind_s: float) -> None:
        """The next block leaves the device ``behind_s`` from now (engine's thread)."""
        model = self.model
        heard_s = time.time() + behind_s + model.bundle.manifest.latency_s + model.engine.lead_s
        self.timeline.clock.observe(self.timeline.next_frame, heard_s)
        if self.keeper is not None:
            self.keeper.look()
