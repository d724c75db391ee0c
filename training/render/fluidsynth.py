"""fluidsynth as the player of ``training.render``: MIDI and a SoundFont to a FLAC file."""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import mido
import numpy as np
from numpy.typing import NDArray

from training.support.whole_file import write_whole

RATE_HZ = 44_100
TAIL_S = 1.5
"""Length of the reverberation kept after the last note; its last 50 ms are faded out."""

_FADE_S = 0.05
_SILENCE = 1e-4
_EARLY_S = 0.1
"""Most that fluidsynth may end early; normally it plays on for at least 2 s."""
_TIMEOUT_S = 600
_PROGRAM = "fluidsynth"
_NO_OTHER_SOUNDFONT = ("-o", "synth.default-soundfont=")
"""Otherwise it plays the system's SoundFont if the given one is damaged, and ends with 0."""


class PlayError(ValueError):
    """fluidsynth or a SoundFont is missing, plays nothing, or breaks off."""


def require_player(soundfonts: Sequence[Path]) -> None:
    """Check that the program and these files are there.

    Raises:
        PlayError: the program is missing, or a file is missing or no SoundFont.
    """
    if shutil.which(_PROGRAM) is None:
        raise PlayError(f"the program {_PROGRAM} is missing; on Debian: apt-get install {_PROGRAM}")
    for path in soundfonts:
        if not path.is_file():
            raise PlayError(
                f"{path}: no such SoundFont; on Debian: apt-get install fluid-soundfont-gm"
            )
        with path.open("rb") as file:
            head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"sfbk":
            raise PlayError(f"{path}: not a SoundFont; give a .sf2 or .sf3 file")


def play(midi: mido.MidiFile, target: Path, soundfont: Path, gain: float, seconds: float) -> None:
    """Play ``midi`` into the stereo FLAC file ``target``, exactly ``seconds`` long.


    Raises:
        PlayError: fluidsynth fails, plays nothing, or breaks off.
        OSError: ``target`` cannot be written; it is named.
    """
    with tempfile.TemporaryDirectory() as scratch:
        piece, wav = Path(scratch, "piece.mid"), Path(scratch, "piece.wav")
        _save(midi, piece)
        _run(piece, wav, soundfont, gain)
        samples = _read_wav(wav)
    if len(samples) < (midi.length - _EARLY_S) * RATE_HZ:
        raise PlayError(
            f"{target.name}: {_PROGRAM} broke off after {len(samples) / RATE_HZ:.1f} of "
            f"{midi.length:.1f} s; {_is_full()}"
        )
    if not np.abs(samples).max(initial=0.0) > _SILENCE:
        raise PlayError(f"{target.name}: {soundfont.name} plays nothing for it")
    _write_flac(target, _fit_length(samples, seconds))


def _save(midi: mido.MidiFile, path: Path) -> None:
    try:
        midi.save(path)
    except OSError as error:
        raise PlayError(f"{path}: cannot be written ({error.strerror}); {_is_full()}") from error


def _is_full() -> str:
    return f"is the disk of {tempfile.gettempdir()} full? Free space, or set TMPDIR to another"


def _run(midi: Path, wav: Path, soundfont: Path, gain: float) -> None:
    command = [_PROGRAM, "-ni", "-q", "-g", str(gain), "-r", str(RATE_HZ), *_NO_OTHER_SOUNDFONT]
    command += ["-F", str(wav), str(soundfont.resolve()), str(midi)]
    try:
        ended = subprocess.run(command, check=True, capture_output=True, timeout=_TIMEOUT_S)
    except subprocess.SubprocessError as error:
        raise PlayError(f"{_PROGRAM} failed: {error}") from error
    if b"Failed to load" in ended.stderr:
        raise PlayError(f"{soundfont}: {_PROGRAM} cannot load this SoundFont; is the file whole?")
    if not wav.is_file():
        raise PlayError(f"{_PROGRAM} wrote nothing; is {soundfont} a SoundFont?")


def _read_wav(wav: Path) -> NDArray[np.float32]:
    import soundfile

    try:
        samples, _ = soundfile.read(wav, dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        raise PlayError(f"{_PROGRAM} wrote no sound; {_is_full()}") from error
    return np.asarray(samples, np.float32)


def _fit_length(samples: NDArray[np.float32], seconds: float) -> NDArray[np.float32]:
    """Cut or pad (T, C) to exactly ``seconds``, with a fade-out."""
    length, fade = round(seconds * RATE_HZ), round(_FADE_S * RATE_HZ)
    fitted = np.zeros((length, samples.shape[1]), np.float32)
    fitted[: samples.shape[0]] = samples[:length]
    fitted[-fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)[:, None]
    return fitted


def _write_flac(target: Path, samples: NDArray[np.float32]) -> None:
    import soundfile

    encoded = io.BytesIO()
    soundfile.write(encoded, samples, RATE_HZ, format="FLAC", subtype="PCM_16")
    write_whole(target, encoded.getvalue())
