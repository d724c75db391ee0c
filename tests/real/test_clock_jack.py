"""MIDI clock from a sequencer on JACK: the server's loops start on its beat.

The sequencer sends ticks and records the server in one callback, so the measured timing is what a
listener to both hears. The figures are printed; the assertions leave room for a busy machine, and
one of several takes has to pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pytest

from export.bundle.archive import write_bundle
from tests import mini_bundle
from tests.real.jack_server import JackServer
from tests.real.test_live_jack import TAKES, client_of, helper
from tests.waiting import until

pytestmark = pytest.mark.long

RATE_HZ = 48_000
FRAME_S = mini_bundle.HOP / RATE_HZ
TICKS_A_BEAT, LOOP_BEATS = 180, 8
OWN_BPM = 60 / (TICKS_A_BEAT * mini_bundle.TICK_FRAMES * FRAME_S)
ROOM_S = 0.025
MOST_MISSED = 0.01
"""If the sequencer misses more than this share of frames, nothing can be measured."""
FRAME_OF_BUILT_IN_S = 256 / 22_050


@pytest.fixture
def bundle_path(tmp_path: Path) -> Path:
    """A bundle with one deck: a tone at the start of each beat, the loudest at the loop's start."""
    made = mini_bundle.bundle(manifest=mini_bundle.manifest(sample_rate_hz=RATE_HZ))
    levels = np.full(TICKS_A_BEAT * LOOP_BEATS, 0.05, np.float16)
    for beat in range(LOOP_BEATS):
        levels[beat * TICKS_A_BEAT : beat * TICKS_A_BEAT + 20] = 0.5 if beat else 1.0
    deck = replace(
        mini_bundle.deck("low", 0.8, 1, ticks=levels.size),
        structure=np.tile(levels, (mini_bundle.STRUCTURE_DIMS, 1)),
        seconds=levels.size * mini_bundle.TICK_FRAMES * FRAME_S,
        tempo_bpm=OWN_BPM,
        first_beat_s=0.0,
        tempo_confidence=1.0,
    )
    write_bundle(tmp_path / "beats.bundle", replace(made, decks={"low": deck}))
    return tmp_path / "beats.bundle"


@dataclass(frozen=True)
class Heard:
    """Tone onsets in s, which of them start a loop, and the times of song and change."""

    tones_s: np.ndarray
    is_loop: np.ndarray
    song_s: float
    change_s: float


def onsets(sound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The times in s at which tones begin, and how loud they are."""
    size = RATE_HZ // 1000
    level = np.abs(sound[: sound.size // size * size]).reshape(-1, size).max(axis=1)
    high = level > 0.25 * level.max()
    starts = np.flatnonzero(high[1:] & ~high[:-1]) + 1
    starts = starts[np.diff(starts, prepend=-1000) > 100]
    loud = np.array([level[start : start + 15].max() for start in starts])
    return starts * size / RATE_HZ, loud / level.max()


def heard(bundle: Path, folder: Path, beats: float, *clock: object) -> Heard:
    """Play ``beats`` beats under a clock (``jack_clock``) and return what was recorded."""
    recorded = folder / "recorded.npy"
    arguments = ["--bundle", bundle, "--osc", "127.0.0.1:0", "--set", "/clock=midi"]
    with (
        helper("tapped_server", folder / "rendered.npy", *arguments, "--set", "/level=0") as server,
        client_of(server) as client,
        helper("jack_clock", "PortAudio:out_0", 120, recorded, *clock) as sequencer,
    ):
        client.send("/stop")
        is_locked = comes_true(lambda: client.status()["clock_locked"] == 1)
        is_over = comes_true(lambda: client.status()["clock_beat"] >= beats)
        print({name: value for name, value in client.status().items() if "clock" in name})
        song, change, missed = sequencer.last_numbers()
        client.send("/quit")
        server.process.wait(timeout=60)
    sound = np.load(recorded)
    if missed > MOST_MISSED * sound.size:
        pytest.skip(f"the machine missed {missed} of {sound.size} frames: nothing was measured")
    assert is_locked and is_over
    tones_s, loud = onsets(sound)
    return Heard(tones_s, loud > 0.75, song / RATE_HZ, change / RATE_HZ)


def comes_true(reached: Callable[[], bool]) -> bool:
    """Return whether ``reached`` becomes true in time."""
    try:
        until(reached)
    except AssertionError:
        return False
    return True


def off_beat_s(tones_s: np.ndarray, bpm: float, begun_s: float, every: float) -> np.ndarray:
    """The lateness in s of tones every ``every`` beats of a clock that began at ``begun_s``."""
    away = (tones_s - begun_s) * bpm / 60
    return (away - every * np.round(away / every)) * 60 / bpm


def is_together(what: str, late_s: np.ndarray) -> bool:
    median, worst = float(np.median(late_s)), float(np.abs(late_s).max())
    print(f"{what}: {1000 * median:+.1f} ms (median), {1000 * worst:.1f} ms at most, {late_s.size}")
    assert late_s.size >= 2
    return abs(median) < FRAME_OF_BUILT_IN_S and worst < ROOM_S


@pytest.mark.parametrize("jitter_ms", [0, 3])
@pytest.mark.timeout(TAKES * 200)
def test_loops_start_on_the_beat_of_a_sequencer(
    jack: JackServer, bundle_path: Path, tmp_path: Path, jitter_ms: int
) -> None:
    def take() -> bool:
        played = heard(bundle_path, Path(mkdtemp(dir=tmp_path)), 30.0, 120.0, jitter_ms, 4)
        settled = played.tones_s > played.song_s + 4 * 0.5
        loops_s = played.tones_s[settled & played.is_loop]
        beats_s = played.tones_s[settled]
        loops_late_s = off_beat_s(loops_s, 120, played.song_s, 8)
        beats_late_s = off_beat_s(beats_s, 120, played.song_s, 1)
        return is_together("loop starts", loops_late_s) and is_together("beats", beats_late_s)

    assert any(take() for _ in range(TAKES))


@pytest.mark.timeout(TAKES * 200)
def test_a_tempo_change_of_a_sequencer_is_followed_within_a_bar(
    jack: JackServer, bundle_path: Path, tmp_path: Path
) -> None:
    def take() -> bool:
        played = heard(bundle_path, Path(mkdtemp(dir=tmp_path)), 32.0, 120.0, 1, 4, 16, 140.0)
        settled_s = played.tones_s[played.tones_s > played.change_s + 4 * 60 / 140]
        return is_together("beats behind it", off_beat_s(settled_s, 140, played.change_s, 1))

    assert any(take() for _ in range(TAKES))
