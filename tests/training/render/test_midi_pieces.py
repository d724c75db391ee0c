"""The variation of a piece is the same for all its instruments."""

from __future__ import annotations

from pathlib import Path

import mido
import numpy as np
import pytest

from training.render.midi_pieces import (
    DRUM_CHANNEL,
    InstrumentError,
    MidiPiece,
    MidiPieceError,
    arrange,
    cut,
    instrumentations,
    named_instrumentation,
    read_piece,
    vary,
)


def write_midi(path: Path, channels: tuple[int, ...] = (0, 1), notes: int = 40) -> Path:
    """Write a scale of quarter notes on every channel, at one velocity, after two bars of rest."""
    file = mido.MidiFile(ticks_per_beat=480)
    for channel in channels:
        track = mido.MidiTrack()
        track.append(mido.Message("control_change", channel=channel, control=0, value=8))
        track.append(mido.Message("program_change", channel=channel, program=12))
        track.append(mido.Message("sysex", data=(0x7E, 0x7F, 9, 1)))
        for number in range(notes):
            rest = 8 * 480 if number == 0 else 0
            note = 48 + number % 24
            track.append(mido.Message("note_on", channel=channel, note=note, time=rest))
            track.append(mido.Message("note_off", channel=channel, note=note, time=480))
        file.tracks.append(track)
    file.save(path)
    return path


@pytest.fixture
def piece(tmp_path: Path) -> MidiPiece:
    return read_piece(write_midi(tmp_path / "scale.mid"))


def notes(file: mido.MidiFile) -> list[tuple[float, int, int, int]]:
    """The time in s, channel, note and velocity of every note."""
    now_s, found = 0.0, []
    for message in file:
        now_s += message.time
        if message.type == "note_on":
            found.append((now_s, message.channel, message.note, message.velocity))
    return found


def programs(file: mido.MidiFile) -> dict[int, int]:
    return {m.channel: m.program for m in file if m.type == "program_change"}


def test_the_opening_rest_is_removed(piece: MidiPiece) -> None:
    assert notes(arrange(piece, named_instrumentation(piece, "0")))[0][0] == pytest.approx(0.05)
    assert piece.end_s == pytest.approx(0.05 + 40 * 0.5)


def test_programs_and_banks_of_the_file_are_replaced(piece: MidiPiece) -> None:
    arranged = arrange(piece, named_instrumentation(piece, "40+42"))
    assert programs(arranged) == {0: 40, 1: 42}
    kinds = {message.type for message in arranged}
    assert "sysex" not in kinds
    assert not [m for m in arranged if m.type == "control_change" and m.control in (0, 32)]


def test_one_program_serves_every_channel(piece: MidiPiece) -> None:
    assert programs(arrange(piece, named_instrumentation(piece, "24"))) == {0: 24, 1: 24}


def test_all_instruments_play_the_same_notes_at_the_same_time(piece: MidiPiece) -> None:
    rng = np.random.default_rng(3)
    varied = vary(piece, rng)
    played = [notes(arrange(varied, chosen)) for chosen in instrumentations(varied, 3, rng)]
    assert len(played) == 3
    assert played[0] == played[1] == played[2]


def test_a_piece_with_one_velocity_gets_dynamics(piece: MidiPiece) -> None:
    velocities = {note[3] for note in notes(arrange(vary(piece, np.random.default_rng(1)), HARP))}
    assert len(velocities) > 10
    assert min(velocities) >= 20


def test_the_variation_depends_on_the_seed(piece: MidiPiece) -> None:
    first, again, other = (vary(piece, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_the_tempo_changes_by_a_quarter_at_most(piece: MidiPiece) -> None:
    lengths = [vary(piece, np.random.default_rng(seed)).end_s for seed in range(50)]
    assert 0.8 * piece.end_s <= min(lengths) < max(lengths) <= 1.25 * piece.end_s


def test_a_cut_releases_sounding_notes(piece: MidiPiece) -> None:
    short = cut(piece, 5.3)
    assert short.end_s == 5.3
    sounding: set[tuple[int, int]] = set()
    for event in short.events:
        key = (event.message.channel, getattr(event.message, "note", -1))
        if event.message.type == "note_on":
            sounding.add(key)
        elif event.message.type == "note_off":
            sounding.discard(key)
    assert not sounding
    assert max(event.time_s for event in short.events) == 5.3


def test_a_cut_beyond_the_end_changes_nothing(piece: MidiPiece) -> None:
    assert cut(piece, 100.0) is piece


def test_drums_alone_get_kits_and_keep_their_notes(tmp_path: Path) -> None:
    drums = read_piece(write_midi(tmp_path / "beat.mid", channels=(DRUM_CHANNEL,)))
    rng = np.random.default_rng(0)
    varied = vary(drums, rng)
    (kit,) = instrumentations(varied, 1, rng)
    assert kit.label == f"kit{kit.programs[0]}"
    assert programs(arrange(varied, kit)) == {DRUM_CHANNEL: kit.programs[0]}
    kept = [event.message.note for event in varied.events if event.message.type == "note_on"]
    assert kept == [48 + number % 24 for number in range(40)]


def test_drums_beside_other_channels_get_no_program(tmp_path: Path) -> None:
    band = read_piece(write_midi(tmp_path / "band.mid", channels=(0, 3, DRUM_CHANNEL)))
    assert band.channels == (0, 3)
    assert programs(arrange(band, named_instrumentation(band, "5+6"))) == {0: 5, 3: 6}


@pytest.mark.parametrize("seed", range(5))
def test_random_instrumentations_are_led_by_different_families(piece: MidiPiece, seed: int) -> None:
    chosen = instrumentations(piece, 5, np.random.default_rng(seed))
    assert len({one.programs[0] // 8 for one in chosen}) == 5
    assert len({one.label for one in chosen}) == 5


@pytest.mark.parametrize("label", ["piano", "", "128", "-1", "4+", "4+200"])
def test_a_wrong_label_is_refused(piece: MidiPiece, label: str) -> None:
    with pytest.raises(InstrumentError, match="0 to 127"):
        named_instrumentation(piece, label)


@pytest.mark.parametrize("content", [b"", b"MThd", b"no MIDI at all" * 10])
def test_a_broken_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.mid"
    path.write_bytes(content)
    with pytest.raises(MidiPieceError, match=r"broken\.mid"):
        read_piece(path)


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = write_midi(tmp_path / "broken.mid")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(MidiPieceError, match=r"broken\.mid"):
        read_piece(path)


def test_a_file_without_notes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MidiPieceError, match="no notes"):
        read_piece(write_midi(tmp_path / "rest.mid", notes=0))


def test_an_arranged_piece_is_read_back(piece: MidiPiece, tmp_path: Path) -> None:
    arrange(piece, HARP).save(tmp_path / "again.mid")
    again = read_piece(tmp_path / "again.mid")
    assert len(again.events) == len(piece.events)
    assert again.end_s == pytest.approx(piece.end_s, abs=1e-3)


HARP = named_instrumentation(MidiPiece((), 0.0), "46")
