"""MIDI files played by the real fluidsynth: equal length, sound, and aligned instruments."""

from __future__ import annotations

from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from tests.real.needs import missing, needs
from training.render.__main__ import main
from training.render.fluidsynth import RATE_HZ, TAIL_S

FONTS = ("FluidR3_GM.sf2", "TimGM6mb.sf2", "default-GM.sf2")
FOLDERS = (Path("/usr/share/sounds/sf2"), Path("/usr/share/soundfonts"))
BEATS = 8


@pytest.fixture(scope="module")
def soundfont() -> Path:
    """A General MIDI SoundFont installed on this system."""
    needs("fluidsynth")
    found = [folder / name for folder in FOLDERS for name in FONTS if (folder / name).is_file()]
    if not found:
        missing(f"no General MIDI SoundFont ({', '.join(FONTS)}) is installed")
    return found[0]


@pytest.fixture(scope="module")
def rendered(soundfont: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Staccato notes half a second apart (before the tempo is varied), on three instruments."""
    folder = tmp_path_factory.mktemp("studio")
    track = mido.MidiTrack()
    for _ in range(BEATS):
        track.append(mido.Message("note_on", note=69, velocity=90, time=360))
        track.append(mido.Message("note_off", note=69, time=120))
    mido.MidiFile(ticks_per_beat=480, tracks=[track]).save(folder / "pulse.mid")
    arguments = [str(folder / "pulse.mid"), "-o", str(folder / "out"), "--instruments", "0,13,24"]
    assert main([*arguments, "--soundfont", str(soundfont)]) == 0
    return folder / "out"


def energy(path: Path) -> np.ndarray:
    """The level of every 10 ms."""
    samples, rate_hz = soundfile.read(path, always_2d=True)
    assert rate_hz == RATE_HZ
    step = RATE_HZ // 100
    mono = samples.mean(axis=1)[: len(samples) // step * step]
    return np.sqrt((mono.reshape(-1, step) ** 2).mean(axis=1))


def onsets(path: Path) -> np.ndarray:
    """The times at which the level jumps, in steps of 10 ms."""
    level = energy(path)
    rises = np.flatnonzero(level[1:] > 3 * level[:-1] + 1e-3) + 1
    return rises[np.diff(rises, prepend=-100) > 15]


def test_three_instruments_give_three_audible_files_of_one_length(rendered: Path) -> None:
    files = sorted(rendered.glob("*.flac"))
    assert len(files) == 3
    assert len({soundfile.info(file).frames for file in files}) == 1
    seconds = soundfile.info(files[0]).frames / RATE_HZ - TAIL_S
    assert 0.8 * BEATS / 2 * 0.8 < seconds < 1.25 * BEATS / 2
    assert all(energy(file).max() > 0.005 for file in files)


def test_the_notes_of_two_instruments_begin_together(rendered: Path) -> None:
    first, second = (
        onsets(next(iter(rendered.glob(f"*__{program}.flac")))) for program in (13, 24)
    )
    assert len(first) == len(second) == BEATS
    assert np.abs(first - second).max() <= 2


def test_instruments_sound_different(rendered: Path) -> None:
    files = sorted(rendered.glob("*.flac"))
    spectra = []
    for file in files:
        samples, _ = soundfile.read(file, always_2d=True)
        spectrum = np.abs(np.fft.rfft(samples.mean(axis=1)))
        spectra.append(spectrum / np.linalg.norm(spectrum))
    assert spectra[0] @ spectra[1] < 0.95
    assert spectra[0] @ spectra[2] < 0.95


def test_a_damaged_soundfont_is_refused_and_not_replaced_by_another(
    soundfont: Path, rendered: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut_off = tmp_path / "cut.sf2"
    with soundfont.open("rb") as whole:
        cut_off.write_bytes(whole.read(100_000))
    score, out = rendered.parent / "pulse.mid", tmp_path / "out"
    arguments = [str(score), "-o", str(out), "--instruments", "0", "--soundfont", str(cut_off)]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert "cut.sf2: fluidsynth cannot load this SoundFont" in said
    assert said.splitlines()[-1] == "error: nothing was rendered; every MIDI file was skipped"
    assert not list(out.glob("*.flac"))
