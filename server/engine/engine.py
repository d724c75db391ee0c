"""The engine: renders the desk's values and the decks' latents to audio, block by block.

    desk -> glide -+-> mixer (decks, playhead) -> + offsets -> session -> detail -> pitch -> output
                   |        '-> generator (prior) ---^                    |          |       stage
                   |        '-> layers (recordings at the playhead) ------'          |         |
                   '-> pitch, level, mute, gate -------------------------------------+---------'

No clock, no device, no thread: the same code plays live, renders files and is tested. All random
numbers come from one seed, so the same calls give the same bits. Sound is always stereo.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from export.audio.arrays import Floats
from export.bundle.format import Manifest, StyleStatistics
from server.controls.addresses import BYPASS, DECKS, DETAIL, GENERATE, LATENT, PITCH, STRUCTURE
from server.controls.desk import Segment, Snapshot
from server.engine.bypass import Bypass
from server.engine.deck import DeckData
from server.engine.generator import Generator
from server.engine.glide import Glide
from server.engine.layer import Layer
from server.engine.layers import DetailPosition, Layers
from server.engine.mixer import Mix, MixedLatents, Mixer, MixPosition
from server.engine.model_fault import ModelFault, run_model
from server.engine.notes import NoteFrames, NotePlayer
from server.engine.output_stage import OutputStage
from server.engine.playhead import FramePositions, Playhead, TicksAround
from server.engine.playhead_motion import PlayheadControls, row
from server.engine.random_walk import RandomWalk
from server.engine.session import DecoderSession
from server.engine.structure_prior import StructurePrior
from server.engine.synthesis import CHANNELS, open_synthesis
from server.engine.transposition import Transposer, TranspositionPlan
from server.system.log_limit import LimitedLog

logger = logging.getLogger(__name__)


class SnapshotSource(Protocol):
    """A source of the newest control values, such as the desk."""

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
        """``on_deck`` is called with each deck in the block in which it is loaded."""
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
        self._layers = Layers(latents, frame_s, manifest.frames_per_tick)
        self._synthesis = open_synthesis(manifest, seed)
        self._transposer = Transposer(CHANNELS, manifest.hop_samples)
        self._transposition = self._transposer.rest(0)
        self._stage = OutputStage(manifest)
        self.notes = NotePlayer(frame_s, desk.snapshot().note)
        self._playhead_controls = PlayheadControls(frame_s, self.notes)
        self._pending_decks: deque[tuple[str, DeckData]] = deque()
        self._newest_decks: dict[str, DeckData] = {}
        self._panics = desk.snapshot().panics
        self._must_reset = False
        self._last_sample: Floats = np.zeros(CHANNELS, np.float32)
        self.deck_style: Floats | None = None
        """Style (D,) of the decks as heard last, without offsets; replaced, never changed."""

    @property
    def failed_ticks(self) -> int:
        """Ticks for which the prior drew nothing usable."""
        return self._generator.failed_ticks if self._generator else 0

    @property
    def lead_s(self) -> float:
        """By how much a change is heard later than at 0 semitones; an octave up it may be earlier.

        Transposing looks ahead, and the decoder's window passes at the transposed rate.
        """
        transposition, manifest = self._transposition, self.manifest
        lead = transposition.lead_frames * manifest.hop_samples
        window = manifest.latency_samples * (1 / transposition.rate - 1)
        return (lead + window) / manifest.sample_rate_hz

    @property
    def tempo_bpm(self) -> float | None:
        """The audible tempo; None where no deck has a known tempo; from any thread."""
        return self._playhead_controls.tempo_bpm

    @property
    def position(self) -> float:
        """The place of the first loaded deck, 0..1 of its loop; from any thread."""
        decks = (self._mixer.deck(name) for name in DECKS)
        return next(
            (self.playhead.share_of_loop(deck.ticks, deck.beats) for deck in decks if deck), 0.0
        )

    @property
    def decks(self) -> Mapping[str, DeckData]:
        """The deck loaded last onto each deck, by name; from any thread."""
        return dict(self._newest_decks)

    def put_deck(self, name: str, deck: DeckData) -> None:
        """Load ``deck`` onto deck ``a``, ``b``, ``c`` or ``d`` before the next block."""
        self._newest_decks[name] = deck
        self._pending_decks.append((name, deck))

    def bypass_unavailable_reason(self, name: str) -> str | None:
        """Why a deck cannot be bypassed, in one line; None if it can; from any thread."""
        deck = self._newest_decks.get(name)
        return f"deck {name} is empty" if deck is None else deck.bypass_unavailable_reason

    def render(self, frames: int) -> Floats:
        """Return the next ``frames`` frames of sound, (C, frames*hop) within +-1."""
        segments = self._desk.segments(frames)
        self._load_pending_decks()
        if self._must_reset and self._stage.is_shut:
            self._clear()
            self._must_reset = False
        values = np.concatenate(
            [
                self._glide.follow(segment.state.values, segment.state.smoothing_s, segment.frames)
                for segment in segments
            ],
            axis=1,
        )
        state = segments[-1].state
        notes = self.notes.follow(segments)
        is_open = self._stage.prepare(
            self._gate_targets(segments, notes),
            *(row(state, values, address) for address in ("/level", "/mute", PITCH)),
        )
        is_resting = not is_open.any() and self._stage.is_silent
        pitch = row(state, values, PITCH)
        transposition = (
            self._transposer.rest(frames) if is_resting else self._transposer.plan(pitch)
        )
        positions = self.playhead.advance(
            self._playhead_controls.motion(
                segments, values, is_open, notes, transposition, self._mixer.corner_decks
            )
        )
        self._transposition, self.playhead.late_frames = transposition, transposition.late_frames
        if is_resting:
            self._last_sample[:] = 0
            return self._stage.silence()
        decoded = self._decode(state, values, positions, transposition)
        if decoded is None:
            audio = self._stage.fade_from(self._last_sample, frames * self.manifest.hop_samples)
        else:
            audio = self._transposer.play(transposition, decoded)
        self._last_sample = audio[:, -1].copy()
        return self._stage.process(audio)

    def _gate_targets(
        self, segments: tuple[Segment, ...], notes: NoteFrames
    ) -> list[tuple[float, int]]:
        """The gate's target, 0..1, and for how many frames each holds."""
        can_sound = [
            self._can_sound(segment.state) for segment in segments for _ in range(segment.frames)
        ]
        is_playing = [segment.state.playing for segment in segments for _ in range(segment.frames)]
        targets = np.where(can_sound, np.where(notes.sounds, notes.gains, is_playing), 0.0)
        return [(target, len(list(run))) for target, run in groupby(targets.tolist())]

    def _can_sound(self, state: Snapshot) -> bool:
        """True if there is anything to play; a panic shuts the gate until all state is cleared."""
        if state.panics != self._panics:
            self._panics, self._must_reset = state.panics, True
            self.notes.stop()
        return not self._mixer.is_empty and not self._must_reset

    def _load_pending_decks(self) -> None:
        while self._pending_decks:
            name, deck = self._pending_decks.popleft()
            self._mixer.put(name, deck, fade=not self._stage.is_shut)
            self._on_deck(name, deck)

    def _decode(
        self,
        state: Snapshot,
        values: NDArray[np.float64],
        positions: FramePositions,
        transposition: TranspositionPlan,
    ) -> Floats | None:
        """Audio (C, M*hop) of the planned frames, before any gain; None if the decoder fails."""
        walked = self._walk.follow(*(row(state, values, a) for a in ("/walk", "/walk/rate")))
        frames, columns = transposition.frames, transposition.columns
        values, walked = values[:, columns], walked[:, columns]
        if not frames:
            return np.zeros((CHANNELS, 0), np.float32)
        mix = self._mixer.read(
            positions,
            MixPosition(
                style_x=row(state, values, "/interp/style"),
                structure_x=row(state, values, "/interp/structure"),
                y=row(state, values, "/interp/y"),
                curve=row(state, values, "/interp/curve"),
                tracks=_per_deck(state, values, "/deck/{}/style"),
            ),
        )
        self.deck_style = mix.latents.style[:, -1].copy()
        offsets = values[list(state.table.slots[LATENT])] + walked
        moved = self._latents.rotation.T @ (offsets * self._latents.spread[:, None])
        style = mix.latents.style + moved.astype(np.float32)
        structure = self._structure(mix.latents.structure, style, positions, state, values)
        structure = self._band_gains(structure, mix, state, values)
        layers = self._layers.of(
            mix.parts,
            MixedLatents(style, structure),
            positions,
            DetailPosition(
                detail=row(state, values, DETAIL),
                decks=_per_deck(state, values, "/deck/{}/detail"),
                between=row(state, values, "/detail/between"),
                generated=row(state, values, GENERATE),
            ),
        )
        audio = self._step(style, structure, layers, is_knob=bool(offsets.any()))
        if audio is None:
            return None
        bypassed = _per_deck(state, values, f"/deck/{{}}/{BYPASS}")
        decks = [self._mixer.deck(name) for name in DECKS]
        return self._bypass.mix(audio, positions, bypassed, decks)

    def _band_gains(
        self, structure: Floats, mix: Mix, state: Snapshot, values: NDArray[np.float64]
    ) -> Floats:
        """Structure (S,N) with its bands' movements about the decks' mean by their gains."""
        slots, bands = state.table.slots, range(self.manifest.structure_bands)
        addresses = [f"{STRUCTURE}/{band}" for band in bands]
        gains = values[[slots[address][0] for address in addresses if address in slots]]
        if (gains == 1).all():
            return structure
        gain = np.tile(gains.astype(np.float32), (self.manifest.structure_channels, 1))
        mean = mix.structure_mean
        return mean + gain * (structure - mean)

    def _structure(
        self,
        looped: Floats,
        style: Floats,
        positions: FramePositions,
        state: Snapshot,
        values: NDArray[np.float64],
    ) -> Floats:
        """Structure (S,N): the decks' loops, mixed with the prior's by ``/generate``."""
        if self._generator is None:
            return looped
        generate = row(state, values, GENERATE)
        x, y = (row(state, values, address) for address in ("/interp/structure", "/interp/y"))
        drawn = self._generator.follow(
            positions.frames,
            style,
            generate,
            row(state, values, "/generate/temperature"),
            lambda n, ticks: self._mixer.structure_at(
                TicksAround(positions, n, ticks), float(x[n]), float(y[n])
            ),
        )
        return looped + (drawn - looped) * generate.astype(np.float32)

    def _clear(self) -> None:
        """Clear the state of decoder, synthesis, output stage and generator."""
        self._session.reset()
        self._synthesis.reset()
        self._stage.reset()
        if self._generator is not None:
            self._generator.reset()

    def _step(
        self, style: Floats, structure: Floats, layers: Sequence[Layer], is_knob: bool
    ) -> Floats | None:
        """Decode one step to sound (2, M*hop); None, and a cleared state, where that fails."""
        manifest = self.manifest
        spectra = style.shape[1] * manifest.spectra_per_frame
        noise = self._random.standard_normal((spectra, manifest.spectrum_bins), np.float32)

        def sound() -> Floats:
            decoded = self._session.step(style, structure, noise.T)
            return self._synthesis.play(decoded, noise, layers, is_knob)

        try:
            return run_model(sound)
        except ModelFault as fault:
            self.failed_blocks += 1
            self._log.warning(f"the decoder failed ({fault}); its state was cleared")
        self._session.reset()
        self._synthesis.reset()
        self._transposer.reset()
        self._stage.shut()
        return None


def _per_deck(
    state: Snapshot, values: NDArray[np.float64], address_pattern: str
) -> NDArray[np.float64]:
    """The smoothed values (4,N) of one control of every deck."""
    return np.stack([row(state, values, address_pattern.format(deck)) for deck in DECKS])
