"""``python -m training.render`` with a fake fluidsynth: choices, bookkeeping and refusals."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from tests.training.render.test_midi_pieces import write_midi
from training.prepare.__main__ import main as prepare
from training.render import fluidsynth
from training.render.__main__ import main
from training.render.fluidsynth import RATE_HZ, TAIL_S
from training.store.store import Store


def fake_run(midi: Path, wav: Path, soundfont: Path, gain: float) -> None:
    """A fake fluidsynth that plays noise of a length that differs between files."""
    rng = np.random.default_rng(midi.stat().st_size)
    length = int(rng.integers(4 * RATE_HZ, 30 * RATE_HZ))
    soundfile.write(wav, rng.uniform(-gain, gain, (length, 2)), RATE_HZ)


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with MIDI files, an empty SoundFont, and a player that does not read them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fluidsynth, "_run", fake_run)
    monkeypatch.setattr(fluidsynth.shutil, "which", lambda program: program)
    (tmp_path / "font.sf2").write_bytes(b"RIFF\0\0\0\0sfbk")
    (tmp_path / "scores").mkdir()
    for name in ("a", "b", "c", "d"):
        write_midi(tmp_path / "scores" / f"{name}.mid")
    return tmp_path


def call(*arguments: str) -> int:
    return main([*arguments, "--soundfont", "font.sf2", "--jobs", "1", "--seconds-max", "4"])


def read_pairs(folder: Path) -> dict[str, dict[str, object]]:
    pairs: dict[str, dict[str, object]] = json.loads((folder / "pairs.json").read_text())
    return pairs


def test_every_piece_is_rendered_with_every_instrument(studio: Path) -> None:
    assert call("scores", "-o", "out", "--instruments", "0,40+42", "--heldout-every", "2") == 0
    pairs = read_pairs(studio / "out")
    assert pairs["scores-a__0.flac"] == {
        "score": "scores/a",
        "instrument": "0",
        "heldout": False,
        "seed": 0,
        "seconds_max": 4.0,
    }
    assert {entry["score"] for entry in pairs.values() if entry["heldout"]} == {
        "scores/b",
        "scores/d",
    }
    assert len(pairs) == 8
    assert {path.name for path in (studio / "out").glob("*.flac")} == set(pairs)


def test_renderings_have_the_piece_s_length_to_the_sample(studio: Path) -> None:
    assert call("scores", "-o", "out", "--instruments-random", "3") == 0
    frames = {soundfile.info(path).frames for path in (studio / "out").glob("*.flac")}
    assert frames == {round((4.0 + TAIL_S) * RATE_HZ)}


def test_prepare_reads_the_pairing(studio: Path) -> None:
    assert call("scores", "-o", "out", "--instruments", "0,24", "--heldout-every", "4") == 0
    assert prepare(["out", "-o", "store", "--preset", "tiny", "--jobs", "1"]) == 0
    store = Store.open(studio / "store")
    assert {(r.score, r.instrument) for r in store.split("heldout")} == {
        ("seed 0, 4.0 s/scores/d", "0"),
        ("seed 0, 4.0 s/scores/d", "24"),
    }
    assert len({r.length for r in store.recordings}) == 1


def test_a_second_run_renders_only_what_is_missing(
    studio: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("scores", "-o", "out", "--instruments", "0,24") == 0
    (studio / "out" / "scores-a__0.flac").unlink()
    assert call("scores", "-o", "out", "--instruments", "0,24") == 0
    assert "rendered 1 files of 4 pieces, already there 7" in capsys.readouterr().out
    assert (studio / "out" / "scores-a__0.flac").is_file()


@pytest.mark.parametrize(
    ("option", "said"),
    [(("--seed", "1"), "--seed 0"), (("--seconds-max", "3"), "--seconds-max 4.0")],
)
def test_a_piece_varied_otherwise_is_not_added_to_its_renderings(
    studio: Path, capsys: pytest.CaptureFixture[str], option: tuple[str, str], said: str
) -> None:
    """They would be taken for a pair, though in another tempo and key."""
    assert call("scores/a.mid", "-o", "out", "--instruments", "0") == 0
    before = read_pairs(studio / "out")
    rest = ["--soundfont", "font.sf2", "--jobs", "1", "--seconds-max", "4", *option]
    assert main(["scores", "-o", "out", "--instruments", "24", *rest]) == 2
    (error,) = capsys.readouterr().err.splitlines()[-1:]
    assert error == f"error: out: scores/a was rendered with {said}; give that, or another --output"
    assert read_pairs(studio / "out") == before
    assert main(["scores/b.mid", "-o", "out", "--instruments", "24", *rest]) == 0
    (studio / "out" / "scores-a__0.flac").unlink()
    assert main(["scores", "-o", "out", "--instruments", "24", *rest]) == 0


def test_renderings_with_other_instruments_gain_and_soundfont_can_be_added(studio: Path) -> None:
    (studio / "other.sf2").write_bytes(b"RIFF\0\0\0\0sfbk")
    assert call("scores/a.mid", "-o", "out", "--instruments", "0") == 0
    more = ["--soundfont", "font.sf2", "other.sf2", "--gain", "0.1", "--seconds-max", "4"]
    assert main(["scores/a.mid", "-o", "out", "--instruments", "24", "--jobs", "1", *more]) == 0
    assert len({soundfile.info(path).frames for path in (studio / "out").glob("*.flac")}) == 1


def test_older_renderings_without_a_noted_variation_can_be_added_to(studio: Path) -> None:
    assert call("scores/a.mid", "-o", "out", "--instruments", "0") == 0
    (entry,) = read_pairs(studio / "out").values()
    old = {"scores-a__0.flac": {name: entry[name] for name in ("score", "instrument", "heldout")}}
    (studio / "out" / "pairs.json").write_text(json.dumps(old))
    assert call("scores/a.mid", "-o", "out", "--instruments", "0,24", "--seed", "1") == 0
    assert read_pairs(studio / "out")["scores-a__24.flac"]["seed"] == 1


def test_two_seeds_of_one_piece_are_no_pair_but_kin_in_one_store(studio: Path) -> None:
    for folder, seed in (("one", "0"), ("two", "1")):
        assert call("scores/a.mid", "-o", folder, "--instruments", "0", "--seed", seed) == 0
    assert prepare(["one", "two", "-o", "store", "--preset", "tiny", "--jobs", "1"]) == 0
    first, second = Store.open(studio / "store").recordings
    assert first.score != second.score
    assert first.kin == second.kin == "scores/a"


def test_fewer_pieces_are_drawn_by_the_seed(studio: Path) -> None:
    assert call("scores", "-o", "out", "--instruments", "0", "--scores-max", "2") == 0
    assert call("scores", "-o", "again", "--instruments", "0", "--scores-max", "2") == 0
    assert len(read_pairs(studio / "out")) == 2
    assert read_pairs(studio / "out") == read_pairs(studio / "again")


def test_a_broken_piece_is_named_and_counted(
    studio: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (studio / "scores" / "b.mid").write_bytes(b"broken")
    assert call("scores", "-o", "out", "--instruments", "0") == 0
    said = capsys.readouterr()
    assert "b.mid: not a readable MIDI file" in said.err
    assert "rendered 3 files of 4 pieces, already there 0, skipped 1 (1 broken)" in said.out


def test_a_silent_rendering_is_discarded(
    studio: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def silent(midi: Path, wav: Path, soundfont: Path, gain: float) -> None:
        soundfile.write(wav, np.zeros((5 * RATE_HZ, 2)), RATE_HZ)

    monkeypatch.setattr(fluidsynth, "_run", silent)
    assert call("scores", "-o", "out", "--instruments", "0") == 2
    said = capsys.readouterr().err
    assert "font.sf2 plays nothing" in said
    assert "error: nothing was rendered" in said


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (lambda whole: whole[: len(whole) // 2], "fluidsynth broke off after 2."),
        (lambda whole: b"", "fluidsynth wrote no sound"),
    ],
)
def test_an_incomplete_rendering_is_discarded(
    studio: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    left: Callable[[bytes], bytes],
    said: str,
) -> None:
    """fluidsynth exits with 0 even on a full disk."""

    def cut_off(midi: Path, wav: Path, soundfont: Path, gain: float) -> None:
        soundfile.write(wav, np.full((5 * RATE_HZ, 2), 0.1), RATE_HZ)
        wav.write_bytes(left(wav.read_bytes()))

    monkeypatch.setattr(fluidsynth, "_run", cut_off)
    assert call("scores/a.mid", "-o", "out", "--instruments", "0") == 2
    error = capsys.readouterr().err
    assert said in error
    assert f"is the disk of {tempfile.gettempdir()} full?" in error
    assert not list((studio / "out").iterdir())


def test_a_piece_that_finds_no_room_says_where(
    studio: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(self: mido.MidiFile, path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(mido.MidiFile, "save", full)
    assert call("scores/a.mid", "-o", "out", "--instruments", "0") == 2
    said = capsys.readouterr().err
    assert "piece.mid: cannot be written (No space left on device); is the disk of" in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="writes to /dev/full")
@pytest.mark.parametrize("name", ["scores-b__0.flac", "pairs.json"])
def test_a_full_disk_ends_with_one_line_and_keeps_existing_files(
    studio: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert call("scores/a.mid", "-o", "out", "--instruments", "0") == 0
    pairs = read_pairs(studio / "out")
    honest_open = os.open

    def full(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        opened = honest_open(path, flags, mode, dir_fd=dir_fd)
        if Path(path).name != f".{name}.part":
            return opened
        os.close(opened)
        return honest_open("/dev/full", flags, mode)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", full)
        assert call("scores", "-o", "out", "--instruments", "0") == 2
    error = f"error: [Errno 28] No space left on device: 'out/{name}'"
    assert capsys.readouterr().err.splitlines()[-1] == error
    assert not list((studio / "out").glob(".*"))
    assert read_pairs(studio / "out") == pairs
    assert call("scores", "-o", "out", "--instruments", "0") == 0
    assert len(read_pairs(studio / "out")) == 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere: no such file or folder"),
        (["out"], "no .mid or .midi files"),
        (["scores", "--instruments", "0,piano"], "instrument 'piano': programs 0 to 127"),
        (["scores", "scores/a.mid"], "two MIDI files have the name scores/a"),
        (["scores", "--instruments-random", "0"], "--instruments-random 0: at least 1"),
        (["scores", "--scores-max", "0"], "--scores-max 0: at least 1"),
        (["scores", "--gain", "nan"], "--gain nan"),
        (["scores", "--jobs", "0"], "--jobs 0: at least 1"),
    ],
)
def test_bad_usage_fails_with_one_line_and_exit_code_2(
    studio: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    (studio / "out").mkdir()
    assert main([*arguments, "-o", "out", "--soundfont", "font.sf2"]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ")
    assert said in error


def test_an_invalid_command_line_fails_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["scores", "-o", "out", "--soundfont", "font.sf2", "--jobs", "two"])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("python -m training.render: argument --jobs: invalid int value: 'two'")


@pytest.mark.parametrize("text", ["{", "3", '{"a.flac": 1}'])
def test_a_damaged_list_of_pairs_is_not_overwritten(
    studio: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (studio / "out").mkdir()
    (studio / "out" / "pairs.json").write_text(text)
    assert call("scores", "-o", "out", "--instruments", "0") == 2
    assert "pairs.json" in capsys.readouterr().err.splitlines()[-1]
    assert (studio / "out" / "pairs.json").read_text() == text


@pytest.mark.parametrize(
    ("font", "said"),
    [("absent.sf2", "no such SoundFont; on Debian"), ("scores/a.mid", "not a SoundFont")],
)
def test_a_wrong_soundfont_is_named(
    studio: Path, capsys: pytest.CaptureFixture[str], font: str, said: str
) -> None:
    assert main(["scores", "-o", "out", "--soundfont", font]) == 2
    assert said in capsys.readouterr().err


def test_a_missing_fluidsynth_is_named_with_the_remedy(
    studio: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fluidsynth.shutil, "which", lambda program: None)
    assert call("scores", "-o", "out") == 2
    assert "apt-get install fluidsynth" in capsys.readouterr().err
