"""``python -m training.prepare`` on folders like those of musicians."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from training.prepare.__main__ import main
from training.store.index import INDEX_FILE
from training.store.store import Store

RATE_HZ = 16_000
ROOT = str(Path(__file__).parents[3])


def write_tone(path: Path, seconds: float = 1.0, hz: float = 440.0, rate_hz: int = RATE_HZ) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    soundfile.write(path, 0.2 * np.sin(2 * np.pi * hz * time_s), rate_hz)


def prepare(*arguments: object) -> int:
    return main([*map(str, arguments), "--preset", "tiny", "--jobs", "1"])


def contents(store: Store) -> dict[str, tuple[str, bytes]]:
    return {r.name: (r.split, store.audio(r).tobytes()) for r in store.recordings}


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """A folder with four usable files and one of each unusable kind."""
    folder = tmp_path / "music"
    write_tone(folder / "a.wav")
    write_tone(folder / "deep" / "b.flac", rate_hz=44_100)
    write_tone(folder / "low.ogg", rate_hz=8_000)
    write_tone(folder / "high.wav", rate_hz=192_000)
    write_tone(folder / "short.wav", seconds=0.2)
    soundfile.write(folder / "silent.wav", np.zeros(RATE_HZ), RATE_HZ)
    soundfile.write(folder / "nan.wav", np.full(RATE_HZ, np.nan), RATE_HZ, subtype="FLOAT")
    (folder / "empty.wav").touch()
    (folder / "corrupt.mp3").write_bytes(b"not a song" * 100)
    (folder / "notes.txt").write_text("buy strings")
    (folder / "._a.wav").write_bytes(b"left by another system")
    return folder


def test_usable_files_are_stored_and_the_rest_is_named_and_counted(
    music: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert prepare(music, "-o", tmp_path / "store") == 0
    said = capsys.readouterr()
    counted = "1 corrupt, 1 empty, 1 not finite, 1 silent, 1 too short"
    assert f"prepared 4, skipped 5 ({counted})" in said.out
    for name in ("short.wav", "silent.wav", "nan.wav", "empty.wav", "corrupt.mp3"):
        assert f"skipped music/{name}" in said.err
    store = Store.open(tmp_path / "store")
    names = [recording.name for recording in store.recordings]
    assert names == ["music/a.wav", "music/deep/b.flac", "music/high.wav", "music/low.ogg"]
    assert store.sample_rate_hz == RATE_HZ
    assert all(abs(r.length - RATE_HZ) <= 1 for r in store.recordings)


def test_preparing_again_with_another_folder_adds_it(
    music: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tone(tmp_path / "more" / "a.wav", hz=600)
    assert prepare(music, "-o", tmp_path / "store") == 0
    before = contents(Store.open(tmp_path / "store"))
    assert prepare(music, tmp_path / "more", "-o", tmp_path / "store") == 0
    assert "prepared 1, already there 4, skipped 5" in capsys.readouterr().out
    after = contents(Store.open(tmp_path / "store"))
    assert after.keys() - before.keys() == {"more/a.wav"}
    assert {name: after[name] for name in before} == before


def test_a_folder_and_later_its_parent_are_stored_once(
    music: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In either order; another file of the same name and size is stored separately."""
    for first, then in ((music, tmp_path), (tmp_path, music)):
        store = tmp_path.parent / f"{tmp_path.name}-{first.name}"
        assert prepare(first, "-o", store) == 0
        before = contents(Store.open(store))
        assert prepare(then, "-o", store) == 0
        assert "prepared 0, already there 4" in capsys.readouterr().out
        assert contents(Store.open(store)) == before
        write_tone(tmp_path / "more" / "music" / "a.wav", hz=450)
        assert prepare(tmp_path / "more", "-o", store) == 0
        assert len(Store.open(store).recordings) == 5
        (tmp_path / "more" / "music" / "a.wav").unlink()


def test_a_folder_given_after_its_parent_adds_its_pairing(tmp_path: Path) -> None:
    folder, store = tmp_path / "all" / "rendered", tmp_path / "store"
    write_tone(folder / "a.flac")
    pair = {"score": "fugue", "instrument": "0", "heldout": False}
    (folder / "pairs.json").write_text(json.dumps({"a.flac": pair}))
    assert prepare(tmp_path / "all", "-o", store) == 0
    assert Store.open(store).recordings[0].score is None
    assert prepare(folder, "-o", store) == 0
    (recording,) = Store.open(store).recordings
    assert (recording.score, recording.instrument) == ("fugue", "0")


def test_globs_hold_out_and_exclude(music: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    assert prepare(music, "-o", store, "--heldout", "deep/*", "low*", "--exclude", "high.wav") == 0
    splits = {recording.name: recording.split for recording in Store.open(store).recordings}
    assert splits == {
        "music/a.wav": "train",
        "music/deep/b.flac": "heldout",
        "music/low.ogg": "heldout",
    }


def test_held_out_recordings_stay_held_out(music: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    assert prepare(music, "-o", store, "--heldout", "a.wav") == 0
    assert prepare(music, "-o", store, "--heldout", "low.ogg") == 0
    held = {recording.name for recording in Store.open(store).split("heldout")}
    assert held == {"music/a.wav", "music/low.ogg"}


def test_part_of_a_plain_folder_is_held_out_by_default(
    music: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert prepare(music, "-o", tmp_path / "store") == 0
    held = Store.open(tmp_path / "store").split("heldout")
    assert len(held) == 1
    assert prepare(music, "-o", tmp_path / "store") == 0
    assert Store.open(tmp_path / "store").split("heldout") == held, "the same one again"
    assert "nothing is held out" not in capsys.readouterr().out
    assert prepare(music, "-o", tmp_path / "none", "--heldout-share", "0") == 0
    assert not Store.open(tmp_path / "none").split("heldout")
    assert "nothing is held out, so training.evaluate" in capsys.readouterr().out


def test_renderings_keep_their_pairing_and_are_held_out_together(tmp_path: Path) -> None:
    folder = tmp_path / "rendered"
    pairs = {}
    for score in ("fugue", "rag"):
        for instrument in ("0", "40+42"):
            name = f"{score}__{instrument}.flac"
            write_tone(folder / name)
            pairs[name] = {"score": score, "instrument": instrument, "heldout": False}
    (folder / "pairs.json").write_text(json.dumps(pairs))
    assert prepare(folder, "-o", tmp_path / "store", "--heldout", "fugue__0.flac") == 0
    store = Store.open(tmp_path / "store")
    assert [(r.score, r.instrument) for r in store.split("heldout")] == [
        ("fugue", "0"),
        ("fugue", "40+42"),
    ]
    assert {r.score for r in store.split("train")} == {"rag"}
    assert len({r.length for r in store.recordings}) == 1


def test_renderings_of_different_length_are_not_paired(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one run or in two; a few samples of difference are allowed."""
    lengths_s = {"a.flac": 1.0, "b.flac": 1.01, "c.flac": 1.3, "d.flac": 0.8}
    pairs = {name: {"score": "fugue", "instrument": name, "heldout": False} for name in lengths_s}
    for some in (["a.flac", "b.flac", "c.flac"], ["a.flac", "d.flac"]):
        for name in some:
            write_tone(tmp_path / "rendered" / name, lengths_s[name])
        (tmp_path / "rendered" / "pairs.json").write_text(json.dumps(pairs))
        assert prepare(tmp_path / "rendered", "-o", tmp_path / "store") == 0
        error = capsys.readouterr().err
        assert f"skipped rendered/{some[-1]} (other length): lasts" in error
        assert "but rendered/a.flac of the same piece 1.00 s" in error
    names = [recording.name for recording in Store.open(tmp_path / "store").recordings]
    assert names == ["rendered/a.flac", "rendered/b.flac"]


def test_loud_and_quiet_recordings_are_stored_at_the_same_loudness(tmp_path: Path) -> None:
    for name, level in (("loud", 0.9), ("quiet", 0.01)):
        path = tmp_path / "music" / f"{name}.wav"
        path.parent.mkdir(exist_ok=True)
        time_s = np.arange(2 * RATE_HZ) / RATE_HZ
        soundfile.write(path, level * np.sin(2 * np.pi * 440 * time_s), RATE_HZ, subtype="FLOAT")
    assert prepare(tmp_path / "music", "-o", tmp_path / "store") == 0
    store = Store.open(tmp_path / "store")
    loud, quiet = (np.abs(store.audio(r)).max() for r in store.recordings)
    assert abs(int(loud) - int(quiet)) <= 2
    gains_db = [recording.gain_db for recording in store.recordings]
    assert gains_db[1] - gains_db[0] == pytest.approx(20 * np.log10(90), abs=0.01)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere", "-o", "store"], "nowhere: no such folder"),
        (["bare", "-o", "store"], "no audio in this folder"),
        (["useless", "-o", "store"], "nothing usable"),
        (["music", "-o", "store", "--heldout", "x*"], "matches no recording"),
        (["music", "-o", "store", "--heldout-share", "0.7"], "0 to 0.5 is allowed"),
        (["music", "-o", "store", "--exclude", "*"], "every file was excluded"),
        (["music", "-o", "store", "--min-seconds", "0.1"], "at least 0.4 s"),
        (["music", "-o", "store", "--jobs", "0"], "at least 1 process"),
        (["music", "-o", "store", "--preset", "huge"], "no preset 'huge'"),
        (["music", "-o", "store", "--rate", "10"], "8000 to 192000 Hz"),
        (["badpairs", "-o", "store"], "pairs.json: damaged"),
        (["music", "other/music", "-o", "store"], "both go by the name music/a.wav"),
        (["gtzan", "music", "-o", "store"], "nothing usable"),
        (["fma", "music", "-o", "store"], "no fma_metadata/tracks.csv"),
        (["nsynth", "music", "-o", "store"], "no nsynth-train/examples.json"),
        (["irmas", "bare", "-o", "store"], "no music of this data set"),
        (["maestro", "music", "-o", "store"], "no maestro-v3.0.0.csv"),
        (["gtzan", "music", "-o", "store", "--split-lists", "bare"], "--split-lists takes"),
        (["music", "-o", "music/a.wav"], "a.wav"),
    ],
)
def test_bad_usage_fails_with_one_line_and_exit_code_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_tone(tmp_path / "music" / "a.wav")
    write_tone(tmp_path / "other" / "music" / "a.wav")
    write_tone(tmp_path / "badpairs" / "a.wav")
    (tmp_path / "badpairs" / "pairs.json").write_text("{")
    (tmp_path / "bare").mkdir()
    write_tone(tmp_path / "useless" / "short.wav", seconds=0.1)
    assert main(arguments) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert said in errors[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "required: SOURCE, -o/--output"),
        (["music"], "required: -o/--output"),
        (["music", "-o", "store", "--jobs", "two"], "invalid int value: 'two'"),
        (["music", "-o", "store", "--backend", "spark"], "invalid choice: 'spark'"),
        (["music", "-o", "store", "--preset", "tiny", "--rate", "8000"], "not allowed with"),
        (["gtzan", "-o", "store"], "gtzan is a data set: give its folder"),
        (["music", "-o", "store", "--cluster", "tcp://a:1"], "--cluster needs --backend"),
        (["fma", "music", "-o", "store", "--split-lists", "."], "--split-lists is for gtzan"),
    ],
)
def test_an_invalid_command_line_fails_with_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("python -m training.prepare: ")
    assert said in line


def test_files_that_fail_meanwhile_are_named_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Files that vanish after the listing, cannot be read, or were cut off during copying."""
    music = tmp_path / "music"
    for name in ("good.wav", "gone.wav", "closed.wav", "cut.flac", "link.wav"):
        write_tone(music / name)
    (music / "cut.flac").write_bytes((music / "cut.flac").read_bytes()[:20])
    (music / "link.wav").unlink()
    (music / "link.wav").symlink_to("nowhere.wav")
    whole_open = Path.open

    def guarded(path: Path, *arguments: object, **more: object) -> object:
        # Tests may run as root, who may read everything.
        failures = {"gone.wav": FileNotFoundError, "closed.wav": PermissionError}
        if path.name in failures:
            raise failures[path.name](0, "as the test says")
        return whole_open(path, *arguments, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", guarded)
    assert prepare(music, "-o", tmp_path / "store") == 0
    said = capsys.readouterr()
    assert "prepared 1, skipped 4 (1 corrupt, 2 missing, 1 unreadable)" in said.out
    for name in ("gone.wav", "closed.wav", "cut.flac", "link.wav"):
        assert said.err.count(f"skipped music/{name} (") == 1


def test_skipped_files_beyond_the_first_hundred_are_only_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    music = tmp_path / "music"
    write_tone(music / "a.wav")
    for number in range(120):
        (music / f"{number:03}.wav").symlink_to("nowhere.wav")
    assert prepare(music, "-o", tmp_path / "store") == 0
    said = capsys.readouterr()
    assert "prepared 1, skipped 120 (120 missing)" in said.out
    assert said.err.count("(missing)") == 101
    assert "skipped 20 more (missing)" in said.err


def test_related_recordings_are_held_out_together_across_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for take, split in (("1", "train"), ("2", "heldout")):
        folder = tmp_path / f"take{take}"
        write_tone(folder / "fugue.wav", hz=300 + 100 * int(take))
        pair = {"score": "fugue", "instrument": take, "heldout": split == "heldout"}
        (folder / "pairs.json").write_text(json.dumps({"fugue.wav": pair}))
        assert prepare(folder, "-o", tmp_path / "store") == 0
        assert {r.split for r in Store.open(tmp_path / "store").recordings} == {split}
    assert "held out 1 more: of one artist, recording or work" in capsys.readouterr().out


def test_preparing_again_adds_missing_labels(tmp_path: Path) -> None:
    excerpt = tmp_path / "IRMAS-TrainingData" / "cel" / "[cel]0001__1.wav"
    write_tone(excerpt)
    root, store = tmp_path / "IRMAS-TrainingData", tmp_path / "store"
    assert prepare("folder", root, "-o", store) == 0
    assert not Store.open(store).recordings[0].labels
    assert prepare("irmas", root, "-o", store) == 0
    (recording,) = Store.open(store).recordings
    assert (recording.label("instrument"), recording.group) == (("cel",), "irmas/0001")


def test_a_folder_named_like_a_data_set_can_be_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_tone(tmp_path / "gtzan" / "a.wav")
    assert prepare("./gtzan", "-o", "store") == 0
    assert [r.name for r in Store.open("store").recordings] == ["gtzan/a.wav"]


def test_a_store_of_another_rate_is_refused(
    music: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert prepare(music, "-o", tmp_path / "store") == 0
    assert main([str(music), "-o", str(tmp_path / "store"), "--rate", "22050"]) == 2
    assert "give another folder" in capsys.readouterr().err


def test_preparing_again_after_a_kill_gives_the_same_store(tmp_path: Path) -> None:
    music = tmp_path / "music"
    for number in range(60):
        write_tone(music / f"{number:02}.wav", seconds=4.0, hz=200 + 10 * number, rate_hz=44_100)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    arguments = ["--preset", "tiny", "--jobs", "1", "--heldout", "1*"]
    assert main([str(music), "-o", str(whole), *arguments]) == 0

    command = [sys.executable, "-m", "training.prepare", str(music), "-o", str(broken), *arguments]
    kill_midway(command, broken / INDEX_FILE, whole / INDEX_FILE)
    assert 0 < len(Store.open(broken).recordings) < 60
    assert main([str(music), "-o", str(broken), *arguments]) == 0
    assert contents(Store.open(broken)) == contents(Store.open(whole))
    assert (broken / "audio.i16").read_bytes() == (whole / "audio.i16").read_bytes()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_a_kill_leaves_no_worker_behind(tmp_path: Path) -> None:
    for number in range(40):
        write_tone(tmp_path / "music" / f"{number:02}.wav", seconds=20.0, rate_hz=44_100)
    index = tmp_path / "store" / INDEX_FILE
    command = [sys.executable, "-m", "training.prepare", "music", "-o", "store", "--jobs", "2"]
    process = subprocess.Popen(
        command, stderr=subprocess.DEVNULL, cwd=tmp_path, env={**os.environ, "PYTHONPATH": ROOT}
    )
    wait_for(index.exists)
    workers = children(process.pid)
    assert len(workers) >= 2
    process.kill()
    process.wait(timeout=30)
    wait_for(lambda: not any(Path(f"/proc/{worker}/fd/0").exists() for worker in workers))


def children(process_id: int) -> list[str]:
    listed = Path(f"/proc/{process_id}/task/{process_id}/children").read_text()
    return listed.split()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline_s, "waited a minute"
        time.sleep(0.02)


def kill_midway(command: list[str], index: Path, whole_index: Path) -> None:
    """Kill the command once its index has begun to grow and before it has finished."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline_s = time.monotonic() + 60
    while not index.exists() and time.monotonic() < deadline_s:
        assert process.poll() is None, "ended before anything was written"
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=30) == -signal.SIGKILL
    assert index.stat().st_size < whole_index.stat().st_size


def test_prepare_runs_as_the_readme_says(tmp_path: Path) -> None:
    """As a command, since nothing that a worker needs may be in ``__main__``."""
    music = tmp_path / "music"
    music.mkdir()
    generator = np.random.default_rng(0)
    for name in ("a.wav", "b.wav", "c.wav"):
        soundfile.write(music / name, 0.1 * generator.standard_normal(16_000), 16_000)
    command = [sys.executable, "-m", "training.prepare", str(music), "-o", str(tmp_path / "store")]
    ended = subprocess.run([*command, "--jobs", "2"], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    assert "prepared 3, skipped 0" in ended.stdout
