"""MIDI files as timed events, varied and given instruments.

Everything that changes *what is played* (tempo, transposition, dynamics, length) is drawn once for
a piece; only the programs differ between its renderings. So they are aligned in time and differ in
timbre alone: pairs with a true answer for style transfer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import mido
import numpy as np

DRUM_CHANNEL = 9
FAMILY_PROGRAMS = 8
FAMILIES = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13)
"""General MIDI's families of eight programs, without effects and percussive sounds."""

KITS = (0, 8, 16, 24, 25, 32, 40)
"""Programs of the drum channel: standard, room, power, electronic, TR-808, jazz, brush."""

_TEMPO_FACTORS = (0.8, 1.25)
_TRANSPOSE_SEMITONES = 3
_FLAT_VELOCITIES = 8  # a piece with fewer different ones has no dynamics
_TICKS_PER_BEAT = 960
_BEATS_PER_SECOND = 2  # MIDI's tempo where none is set
_LEAD_S = 0.05  # silence before the first note
_BANK_SELECT = (0, 32)
_SUSTAIN = 64
_KEPT = ("note_on", "note_off", "control_change", "pitchwheel", "aftertouch", "polytouch")


class MidiPieceError(ValueError):
    """A MIDI file that nothing can be rendered from."""


class InstrumentError(ValueError):
    """An instrument that General MIDI does not have."""


@dataclass(frozen=True)
class MidiEvent:
    """One MIDI message, ``time_s`` seconds after the start."""

    time_s: float
    message: mido.Message


@dataclass(frozen=True)
class MidiPiece:
    """Events in order of time; ``end_s`` is when the last note ends."""

    events: tuple[MidiEvent, ...]
    end_s: float

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels with notes, drums left out."""
        played = {event.message.channel for event in self.events if _begins_note(event.message)}
        return tuple(sorted(played - {DRUM_CHANNEL}))


@dataclass(frozen=True)
class Instrumentation:
    """Programs for a piece's channels, used in turn; for drums alone, the kit."""

    programs: tuple[int, ...]
    is_kit: bool = False

    @property
    def label(self) -> str:
        """Name such as "0", "40+42" or "kit8"."""
        return ("kit" if self.is_kit else "") + "+".join(map(str, self.programs))


def read_piece(path: Path) -> MidiPiece:
    """Read a MIDI file, without programs, banks, system exclusive and text.

    Raises:
        MidiPieceError: not a MIDI file, damaged, or without notes.
    """
    try:
        events = tuple(_timed(mido.MidiFile(path, clip=True)))
    except (OSError, EOFError, ValueError, TypeError, LookupError) as error:
        raise MidiPieceError(
            f"{path}: not a readable MIDI file ({type(error).__name__})"
        ) from error
    notes = [event for event in events if _begins_note(event.message)]
    if not notes:
        raise MidiPieceError(f"{path}: no notes in this MIDI file")
    begin_s = max(notes[0].time_s - _LEAD_S, 0.0)
    moved = tuple(replace(e, time_s=max(e.time_s - begin_s, 0.0)) for e in events)
    return MidiPiece(moved, moved[-1].time_s)


def vary(piece: MidiPiece, rng: np.random.Generator) -> MidiPiece:
    """Draw another tempo, another key and dynamics, once for all instruments."""
    low, high = np.log(_TEMPO_FACTORS)
    stretch = float(np.exp(rng.uniform(low, high)))
    semitones = int(rng.integers(-_TRANSPOSE_SEMITONES, _TRANSPOSE_SEMITONES + 1))
    velocities = _Dynamics(piece, rng)
    events = (
        MidiEvent(
            event.time_s * stretch, velocities.shape(event, _transpose(event.message, semitones))
        )
        for event in piece.events
    )
    return MidiPiece(tuple(events), piece.end_s * stretch)


def cut(piece: MidiPiece, longest_s: float) -> MidiPiece:
    """Keep the first ``longest_s`` seconds and release what sounds at their end."""
    if piece.end_s <= longest_s:
        return piece
    kept = tuple(event for event in piece.events if event.time_s < longest_s)
    releases = (MidiEvent(longest_s, message) for message in _releases(kept))
    return MidiPiece((*kept, *releases), longest_s)


def instrumentations(
    piece: MidiPiece, count: int, rng: np.random.Generator
) -> tuple[Instrumentation, ...]:
    """Draw ``count`` different choices of instruments, each led by another family.

    One in three plays the whole piece on one instrument; the others give every channel its own.
    """
    if not piece.channels:
        kits = rng.permutation(KITS)[:count]
        return tuple(Instrumentation((int(kit),), is_kit=True) for kit in kits)
    families = rng.permutation(FAMILIES)
    return tuple(
        Instrumentation(_ensemble(np.roll(families, -lead), len(piece.channels), rng))
        for lead in range(min(count, len(families)))
    )


def named_instrumentation(piece: MidiPiece, label: str) -> Instrumentation:
    """The instrumentation of a label such as "0" or "40+42"; for drums alone, a kit.

    Raises:
        InstrumentError: the label is not a list of programs.
    """
    try:
        programs = tuple(int(part) for part in label.split("+"))
    except ValueError:
        raise InstrumentError(f"instrument '{label}': programs 0 to 127, joined by +") from None
    if not all(0 <= program <= 127 for program in programs):
        raise InstrumentError(f"instrument '{label}': programs go from 0 to 127")
    return Instrumentation(programs, is_kit=not piece.channels)


def arrange(piece: MidiPiece, instrumentation: Instrumentation) -> mido.MidiFile:
    """Write the piece as a one-track MIDI file with these instruments."""
    channels = (DRUM_CHANNEL,) if instrumentation.is_kit else piece.channels
    programs = instrumentation.programs
    track = mido.MidiTrack(
        mido.Message("program_change", channel=channel, program=programs[i % len(programs)])
        for i, channel in enumerate(channels)
    )
    now = 0
    for event in piece.events:
        ticks = round(event.time_s * _BEATS_PER_SECOND * _TICKS_PER_BEAT)
        track.append(event.message.copy(time=ticks - now))
        now = ticks
    return mido.MidiFile(type=0, ticks_per_beat=_TICKS_PER_BEAT, tracks=[track])


class _Dynamics:
    """Velocities that swell and fade over phrases, with some variation for every note.

    The sum of three sines of 3 to 15 s; shallow if the piece has its own dynamics.
    """

    def __init__(self, piece: MidiPiece, rng: np.random.Generator) -> None:
        played = {e.message.velocity for e in piece.events if _begins_note(e.message)}
        depth = 14.0 if len(played) < _FLAT_VELOCITIES else 4.0
        self._depths = rng.uniform(0.3, 1.0, 3) * depth
        self._rates = 2 * np.pi / rng.uniform(3.0, 15.0, 3)
        self._phases = rng.uniform(0, 2 * np.pi, 3)
        self._offset = rng.uniform(-1.0, 1.0) * depth
        self._rng = rng

    def shape(self, event: MidiEvent, message: mido.Message) -> mido.Message:
        """Shape the velocity of a message that begins a note; return others unchanged."""
        if not _begins_note(message):
            return message
        swell = float(self._depths @ np.sin(self._rates * event.time_s + self._phases))
        velocity = message.velocity + self._offset + swell + self._rng.normal(0.0, 3.0)
        return message.copy(velocity=int(np.clip(round(velocity), 20, 127)))


def _timed(file: mido.MidiFile) -> Iterator[MidiEvent]:
    now_s = 0.0
    for message in file:
        now_s += message.time
        if message.type in _KEPT and not _selects_bank(message):
            yield MidiEvent(now_s, message)


def _selects_bank(message: mido.Message) -> bool:
    return message.type == "control_change" and message.control in _BANK_SELECT


def _begins_note(message: mido.Message) -> bool:
    return bool(message.type == "note_on" and message.velocity > 0)


def _transpose(message: mido.Message, semitones: int) -> mido.Message:
    if message.channel == DRUM_CHANNEL or not hasattr(message, "note"):
        return message
    return message.copy(note=int(np.clip(message.note + semitones, 0, 127)))


def _releases(events: tuple[MidiEvent, ...]) -> Iterator[mido.Message]:
    sounding: Counter[tuple[int, int]] = Counter()
    for event in events:
        message = event.message
        if message.type in ("note_on", "note_off"):
            sounding[message.channel, message.note] += 1 if _begins_note(message) else -1
    for (channel, note), count in sorted(sounding.items()):
        yield from [mido.Message("note_off", channel=channel, note=note)] * max(count, 0)
    for channel in sorted({event.message.channel for event in events}):
        yield mido.Message("control_change", channel=channel, control=_SUSTAIN, value=0)


def _ensemble(families: np.ndarray, channels: int, rng: np.random.Generator) -> tuple[int, ...]:
    """Draw one program for all channels, or one per channel from the families in turn."""
    players = 1 if rng.random() < 1 / 3 else channels
    chosen = np.resize(families, players)
    return tuple(int(f) * FAMILY_PROGRAMS + int(rng.integers(FAMILY_PROGRAMS)) for f in chosen)
