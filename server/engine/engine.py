"""The sound: what the desk says and the decks hold, rendered to audio, block by block.

    desk -> glide -+-> mixer (decks, playhead) -> + offsets -> session -> pitch -> output stage
                   |        '-> generator (prior) ---^                      |          |
                   '-> pitch, level, mute, gate ----------------------------+----------'

No clock, no device, no thread: the same code plays live, renders files and is tested. All
random numbers come from one seeded generator, so the same calls give the same bits.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from export.bundle.format import Manifest, StyleStatistics
from server.controls.addresses import BYPASS, DECKS, LATENT, PITCH
from server.controls.desk import Segment, Snapshot
from server.engine.bypass import Bypass
from server.engine.deck import DeckData
from server.engine.generator import Generator
from server.engine.glide import Glide
from server.engine.mixer import Mixer, MixPosition
from server.engine.model_fault import ModelFault, finite
from server.engine.notes import NoteFrames, NotePlayer
from server.engine.output_stage import OutputStage
from server.engine.playhead import FramePositions, Playhead
from server.engine.playhead_motion import PlayheadControls, row
from server.engine.random_walk import RandomWalk
from server.engine.session import DecoderSession
from server.engine.structure_prior import StructurePrior
from server.engine.transposition import Transposer, TranspositionPlan
from server.system.arrays import Floats
from server.system.log_limit import LimitedLog

logger = logging.getLogger(__name__)


class SnapshotSource(Protocol):
    """Where the engine looks for the newest state of the hands."""

    def snapshot(self) -> Snapshot:
        """The newest state; never blocks."""

    def segments(self, frames: int) -> tuple[Segment, ...]:
        """The states of the next ``frames`` frames, in order; called once a block."""


class Engine:
    """Renders blocks of frames; ``put_deck`` may be called from any thread, the rest from one."""

    def __init__(
        self,
        manifest: Manifest,
        latents: StyleStatistics,
        session: DecoderSession,
        desk: SnapshotSource,
        seed: int = 0,
        prior: StructurePrior | None = None,
        on_deck: Callable[[str, DeckData], None] = lambda name, deck: None,
    ) -> None:
        """``on_deck`` is told of each deck in the block in which it is laid."""
        self.manifest = manifest
        self.playhead = Playhead(manifest.frames_per_tick)
        self.failed_blocks = 0
        self._log = LimitedLog(logger)
        self._latents = latents
        self._session = session
        self._desk = desk
        self._on_deck = on_deck
        self._random = np.random.default_rng(seed)
        frame_s = manifest.frame_s
        self._glide = Glide(frame_s)
        self._walk = RandomWalk(manifest.style_dims, frame_s, seed)
        self._mixer = Mixer(frame_s, latents.mean)
        self._bypass = Bypass(manifest)
        self._generator = Generator(prior, manifest, seed) if prior else None
        self._transposer = Transposer(manifest.channels, manifest.hop_samples)
        self._last_plan = self._transposer.rest(0)
        self._stage = OutputStage(manifest)
        self.notes = NotePlayer(frame_s, desk.snapshot().note)
        self._hands = PlayheadControls(frame_s, self.notes)
        self._waiting_decks: deque[tuple[str, DeckData]] = deque()
        self._newest_decks: dict[str, DeckData] = {}
        self._panics = desk.snapshot().panics
        self._must_reset = False
        self._last_sample: Floats = np.zeros(manifest.channels, np.float32)
        self.deck_style: Floats | None = None
        """Style (D,) of the decks as heard last, without offsets; replaced, never changed."""

    @property
    def failed_ticks(self) -> int:
        """Ticks for which the prior drew nothing usable."""
        return self._generator.failed_ticks if self._generator else 0

    @property
    def lead_s(self) -> float:
        """How much later than at 0 semitones a change is heard; an octave up it may be earlier.

        Transposing looks ahead, and goes through the decoder's own window at its rate.
        """
        plan, manifest = self._last_plan, self.manifest
        window = manifest.latency_samples * (1 / plan.rate - 1)
        return (plan.lead_frames * manifest.hop_samples + window) / manifest.sample_rate_hz

    @property
    def tempo_bpm(self) -> float | None:
        """Of what is heard; None where no deck has a tempo that is known; from any thread."""
        return self._hands.tempo_bpm

    @property
    def position(self) -> float:
        """Where the first deck that is loaded is, 0..1 of its loop; from any thread."""
        decks = (self._mixer.deck(name) for name in DECKS)
        return next(
            (self.playhead.share_of_loop(deck.ticks, deck.beats) for deck in decks if deck), 0.0
        )

    @property
    def decks(self) -> Mapping[str, DeckData]:
        """What was laid onto the decks last; from any thread."""
        return dict(self._newest_decks)

    def put_deck(self, name: str, deck: DeckData) -> None:
        """Lay ``deck`` onto deck ``a``, ``b``, ``c`` or ``d`` before the next block."""
        self._newest_decks[name] = deck
        self._waiting_decks.append((name, deck))

    def bypass_unavailable_reason(self, name: str) -> str | None:
        """In one line why a deck cannot be bypassed, None if it can; from any thread."""
        deck = self._newest_decks.get(name)
        return f"nothing lies on deck {name}" if deck is None else deck.bypass_unavailable_reason

    def render(self, frames: int) -> Floats:
        """The next ``frames`` frames of sound, (C, frames*hop) within +-1."""
        segments = self._desk.segments(frames)
        self._take_decks()
        if self._must_reset and self._stage.is_shut:
            self._forget()
            self._must_reset = False
        values = np.concatenate(
            [
                self._glide.follow(segment.state.values, segment.state.smoothing_s, segment.frames)
                for segment in segments
            ],
            axis=1,
        )
        state = segments[-1].state
        struck = self.notes.follow(segments)
        sounds = self._stage.prepare(
            self._opened(segments, struck),
            *(row(state, values, address) for address in ("/level", "/mute", PITCH)),
        )
        rests = not sounds.any() and self._stage.is_silent
        pitch = row(state, values, PITCH)
        plan = self._transposer.rest(frames) if rests else self._transposer.plan(pitch)
        positions = self.playhead.advance(
            self._hands.motion(segments, values, sounds, struck, plan, self._mixer.heard)
        )
        self._last_plan, self.playhead.late_frames = plan, plan.late_frames
        if rests:
            self._last_sample[:] = 0
            return self._stage.silence()
        decoded = self._decode(state, values, positions, plan)
        if decoded is None:
            audio = self._stage.fade_from(self._last_sample, frames * self.manifest.hop_samples)
        else:
            audio = self._transposer.play(plan, decoded)
        self._last_sample = audio[:, -1].copy()
        return self._stage.process(audio)

    def _opened(self, segments: tuple[Segment, ...], struck: NoteFrames) -> list[tuple[float, int]]:
        """How far sound is let through, 0..1, and for how many frames."""
        can = [self._can_sound(one.state) for one in segments for _ in range(one.frames)]
        plays = [one.state.playing for one in segments for _ in range(one.frames)]
        goals = np.where(can, np.where(struck.sounds, struck.gains, plays), 0.0)
        return [(goal, len(list(run))) for goal, run in groupby(goals.tolist())]

    def _can_sound(self, state: Snapshot) -> bool:
        """Whether there is anything to be heard; a panic shuts until all is forgotten."""
        if state.panics != self._panics:
            self._panics, self._must_reset = state.panics, True
            self.notes.stop()
        return not self._mixer.is_empty and not self._must_reset

    def _take_decks(self) -> None:
        while self._waiting_decks:
            name, deck = self._waiting_decks.popleft()
            self._mixer.put(name, deck, fade=not self._stage.is_shut)
            self._on_deck(name, deck)

    def _decode(
        self,
        state: Snapshot,
        values: NDArray[np.float64],
        positions: FramePositions,
        plan: TranspositionPlan,
    ) -> Floats | None:
        """Audio (C, M*hop) of the planned frames, before any gain; None if the decoder fails."""
        walked = self._walk.follow(*(row(state, values, a) for a in ("/walk", "/walk/rate")))
        frames, values, walked = plan.frames, values[:, plan.columns], walked[:, plan.columns]
        if not frames:
            return np.zeros((self.manifest.channels, 0), np.float32)
        latent = self._mixer.read(
            positions,
            MixPosition(
                style_x=row(state, values, "/interp/style"),
                structure_x=row(state, values, "/interp/structure"),
                y=row(state, values, "/interp/y"),
                curve=row(state, values, "/interp/curve"),
                tracks=_of_decks(state, values, "/deck/{}/style"),
            ),
        )
        self.deck_style = latent.style[:, -1].copy()
        offsets = values[list(state.table.slots[LATENT])] + walked
        moved = self._latents.rotation.T @ (offsets * self._latents.spread[:, None])
        style = latent.style + moved.astype(np.float32)
        noise = self._random.standard_normal(
            (frames * self.manifest.spectra_per_frame, self.manifest.spectrum_bins), np.float32
        ).T
        structure = self._structure(latent.structure, style, positions, state, values)
        audio = self._step(style, structure, noise)
        if audio is None:
            return None
        wanted = _of_decks(state, values, f"/deck/{{}}/{BYPASS}")
        decks = [self._mixer.deck(name) for name in DECKS]
        return self._bypass.mix(audio, positions, wanted, decks)

    def _structure(
        self,
        looped: Floats,
        style: Floats,
        positions: FramePositions,
        state: Snapshot,
        values: NDArray[np.float64],
    ) -> Floats:
        """Structure (S,N): the decks' loops, and as much as is asked for of what is drawn."""
        if self._generator is None:
            return looped
        generate = row(state, values, "/generate")
        x, y = (row(state, values, address) for address in ("/interp/structure", "/interp/y"))
        drawn = self._generator.follow(
            positions.frames,
            style,
            generate,
            row(state, values, "/generate/temperature"),
            lambda n, ticks: self._mixer.structure_at(
                positions.around(n, ticks), float(x[n]), float(y[n])
            ),
        )
        return looped + (drawn - looped) * generate.astype(np.float32)

    def _forget(self) -> None:
        """Clear what rings and what was heard."""
        self._session.reset()
        self._stage.reset()
        if self._generator is not None:
            self._generator.reset()

    def _step(self, style: Floats, structure: Floats, noise: Floats) -> Floats | None:
        """One step of the session; where it gives no sound, None and a fresh start."""
        try:
            return finite(lambda: self._session.step(style, structure, noise))
        except ModelFault as fault:
            self.failed_blocks += 1
            self._log.warning(f"the decoder gave no sound ({fault}); its state was cleared")
        self._session.reset()
        self._transposer.reset()
        self._stage.shut()
        return None


def _of_decks(state: Snapshot, values: NDArray[np.float64], family: str) -> NDArray[np.float64]:
    """The glided values (4,N) of one control of every deck."""
    return np.stack([row(state, values, family.format(deck)) for deck in DECKS])
