"""Recordings hold the outputs' samples, bit for bit, whatever the disk does."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from time import sleep

import numpy as np
import pytest
from pythonosc.osc_message_builder import build_msg

from export.audio.arrays import Floats
from server.controls.replies import Reply
from server.output.producer import Producer
from server.recording import recorder, take, wav
from server.recording.recorder import RecordingError, SoundRecorder
from tests import mini_bundle
from tests.server.control_inputs import ControlRig, FakeSender
from tests.server.output.test_producer import FakeOutput, engine
from tests.server.recording.noise_recorder import BLOCK, RATE, block, null_path
from tests.server.recording.test_files import SmallDisk, read, rounded
from tests.waiting import until

START, STOP = "/record/start", "/record/stop"


@pytest.mark.parametrize("kind", ["wav", "flac"])
@pytest.mark.parametrize("rate_hz", [mini_bundle.RATE_HZ, 48_000])
def test_a_recording_holds_exactly_what_the_output_plays(
    kind: str, rate_hz: int, tmp_path: Path
) -> None:
    recording = SoundRecorder(tmp_path)
    path = recording.begin_named(f"take.{kind}")
    producer = Producer(engine(), 4, 3, on_audio=recording.receive)
    output = FakeOutput(rate_hz)
    output_path = producer.path_to(output)
    producer.start(output_path)
    output.start(output_path.ring)
    played = np.concatenate([output.take(100) for _ in range(200)])
    producer.stop()
    recording.close()
    assert np.abs(played).max() > 0.01
    np.testing.assert_array_equal(read(path)[: len(played)], rounded(played, kind))


def test_each_output_gets_its_own_file_with_what_it_played(tmp_path: Path) -> None:
    taken: dict[float, list[Floats]] = {}
    recording = SoundRecorder(tmp_path)
    recording.begin_named("take")
    (tmp_path / "take-2.wav").write_text("precious")
    producer = Producer(engine(), 4, 3, on_audio=recording.receive)
    outputs = [FakeOutput(48_000), FakeOutput(44_100), FakeOutput(44_100)]
    for number, output in enumerate(outputs):
        output_path = producer.path_to(output)
        if number:
            listener = Thread(target=drain, args=(outputs[number - 1], taken[number - 1]))
            producer.switch(output_path)
            listener.start()
            listener.join()
        else:
            producer.start(output_path)
        output.start(output_path.ring)
        taken[number] = [output.take(100) for _ in range(50)]
    producer.stop()
    recording.close()
    assert recording.names == ["take.wav", "take-3.wav", "take-4.wav"]
    assert (tmp_path / "take-2.wav").read_text() == "precious"
    for number, name in enumerate(recording.names):
        played, recorded = np.concatenate(taken[number]), read(tmp_path / name)
        np.testing.assert_array_equal(recorded[: len(played)], played)
        if number < 2:  # up to the end of its fade
            assert len(recorded) == len(played)
            assert np.abs(recorded[-48:]).max() == 0
    assert np.abs(read(tmp_path / "take-3.wav")[0]).max() < 1e-3


def drain(output: FakeOutput, taken: list[Floats]) -> None:
    """Read the samples in an output's ring."""
    assert output.ring is not None
    while count := output.ring.available:
        taken.append(output.take(min(count, 100)))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../take", "is not a name for a recording"),
        ("/etc/passwd", "is not a name"),
        (".hidden", "is not a name"),
        ("a" * 90, "is not a name"),
        ("", "is not a name"),
        ("nul\0", "is not a name"),
        ("there", "'there.wav' exists already"),
        ("there.wav", "exists already"),
    ],
)
def test_unsafe_or_taken_recording_names_are_refused(name: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "there.wav").write_text("precious")
    with pytest.raises(RecordingError, match=words):
        SoundRecorder(tmp_path).begin_named(name)
    assert [path.name for path in tmp_path.iterdir()] == ["there.wav"]
    assert (tmp_path / "there.wav").read_text() == "precious"


@pytest.mark.parametrize(
    ("name", "file"),
    [("a", "a.wav"), ("a.FLAC", "a.FLAC"), ("a.wav", "a.wav"), ("take 1.2", "take 1.2.wav")],
)
def test_the_suffix_of_the_name_chooses_the_file_format(
    name: str, file: str, tmp_path: Path
) -> None:
    recording = SoundRecorder(tmp_path)
    assert recording.begin_named(name) == tmp_path / file
    recording.receive(block(1, 0), null_path())
    recording.close()
    wanted = b"fLaC" if "F" in file else b"RIFF"
    assert (tmp_path / file).read_bytes()[:4] == wanted


def test_a_second_recording_and_ending_none_are_refused(tmp_path: Path) -> None:
    recording = SoundRecorder(tmp_path)
    recording.begin_named("take")
    with pytest.raises(RecordingError, match=r"take.wav is being recorded; /record/stop"):
        recording.begin_named("other")
    recording.receive(block(1, 0), null_path())
    recording.end()
    with pytest.raises(RecordingError, match="nothing is being recorded"):
        recording.end()
    recording.begin_named("other")
    recording.receive(block(1, 1), null_path())
    recording.close()
    for number, name in enumerate(("take", "other")):
        np.testing.assert_array_equal(read(tmp_path / f"{name}.wav"), block(1, number))


def test_an_empty_recording_leaves_no_file(tmp_path: Path) -> None:
    recording = SoundRecorder(tmp_path)
    recording.begin_named("take")
    recording.close()
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"cannot write .*No such file"):
        SoundRecorder(tmp_path / "none").begin_named("take")


@pytest.fixture
def rig(tmp_path: Path) -> ControlRig:
    return ControlRig(media=tmp_path)


def test_a_full_disk_ends_the_recording_is_reported_and_the_sound_goes_on(
    rig: ControlRig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(recorder, "FileIO", SmallDisk)
    listener = FakeSender("listener")
    rig.send(build_msg("/notify", 1).dgram, listener)
    rig.send(build_msg(START, "take").dgram)
    recording, output_path = rig.record.recorder, null_path()
    number = 0
    while recording.name:
        recording.receive(block(1, number), output_path)
        number += 1
        sleep(0.001)
    recording.receive(block(1, number), output_path)
    until(lambda: len(rig.sender.replies) > 1)
    (failed,) = rig.sender.replies[1:]
    assert (failed.address, failed.arguments[0]) == ("/fail", "/record")
    assert "No space left on device" in str(failed.arguments[1])
    assert listener.replies[-1] == failed
    assert listener.replies[-2].arguments[:2] == (0, "take.wav")
    assert caplog.text.count("ends early: cannot write") == 1
    found = read(tmp_path / "take.wav")
    assert len(found) % BLOCK == 0 and len(found) > BLOCK
    heard = np.concatenate([block(1, number) for number in range(len(found) // BLOCK)])
    np.testing.assert_array_equal(found, heard)
    rig.send(build_msg(STOP).dgram)
    assert rig.sender.replies[-1].address == "/fail"
    monkeypatch.undo()
    rig.send(build_msg(START, "again").dgram)
    assert rig.sender.replies[-1] == Reply("/done", (START, "again.wav"))
    recording.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_a_file_size_limit_ends_the_recording_in_the_same_way(kind: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.server.recording.noise_recorder"]
    path = tmp_path / f"take.{kind}"
    limit = (100_000, 100_000)
    with subprocess.Popen(
        [*command, str(path), "1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
    ) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        process.kill()
    assert "ends early: cannot write" in said and "File too large" in said
    found = read(path)
    heard = np.concatenate([block(1, number) for number in range(1 + len(found) // BLOCK)])
    np.testing.assert_array_equal(found, rounded(heard[: len(found)], kind))
    assert len(found) > BLOCK and path.stat().st_size <= limit[0]


def test_a_hanging_disk_leaves_a_gap_and_keeps_everything_after_it_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hangs, goes_on = Event(), Event()
    original: Callable[[object, bytes], None] = wav.write_all

    def slow(file: object, data: bytes) -> None:
        hangs.set()
        goes_on.wait(60)
        original(file, data)

    monkeypatch.setattr(wav, "write_all", slow)
    monkeypatch.setattr(take, "MAX_QUEUED_S", 0.5)
    recording, output_path = SoundRecorder(tmp_path), null_path()
    path = recording.begin_named("take")
    recording.receive(block(1, 0), output_path)
    hangs.wait(60)
    for number in range(1, 200):
        recording.receive(block(1, number), output_path)
    assert recording.lost_s == pytest.approx(1.5, abs=0.05)
    goes_on.set()
    until(lambda: path.stat().st_size > 40 * block(1, 0).nbytes)
    for number in range(200, 220):
        recording.receive(block(1, number), output_path)
    recording.close()
    found = read(path).reshape(-1, BLOCK, 2)
    assert len(found) == 220
    kept = [number for number in range(220) if np.array_equal(found[number], block(1, number))]
    silent = [number for number in range(220) if not found[number].any()]
    assert len(kept) + len(silent) == 220
    assert silent == list(range(silent[0], silent[-1] + 1))
    assert len(silent) * BLOCK / RATE == pytest.approx(recording.lost_s)
    assert "the disk was too slow" in caplog.text


def test_clients_are_notified_of_start_and_stop_and_status_shows_the_recording(
    rig: ControlRig,
) -> None:
    listener = FakeSender("listener")
    rig.send(build_msg("/notify", 1).dgram, listener)
    rig.send(build_msg("/record").dgram)
    assert rig.sender.replies[-1] == Reply("/record", (0, "", 0.0))
    rig.send(build_msg(START, "take").dgram)
    assert listener.replies[-1] == Reply("/record", (1, "take.wav", 0.0))
    recording, output_path = rig.record.recorder, null_path()
    for number in range(50):
        recording.receive(block(1, number), output_path)
    told = {"recording": "take.wav", "recorded_s": pytest.approx(0.5), "recording_lost_s": 0.0}
    assert rig.record.status() == told
    rig.send(build_msg(STOP).dgram)
    recording.close()
    assert listener.replies[-1].arguments == (0, "take.wav", pytest.approx(0.5))
    assert rig.sender.replies[-1] == Reply("/done", (STOP, "take.wav"))
    rig.send(build_msg(STOP).dgram)
    assert rig.sender.replies[-1].address == "/fail"
    rig.send(build_msg(START, "take").dgram)
    assert "exists already" in str(rig.sender.replies[-1].arguments[1])


def test_after_a_crash_the_recording_goes_on_in_the_next_free_file(
    rig: ControlRig, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "take.wav").write_text("what was before")
    rig.record.resume(tmp_path / "take.wav")
    assert rig.record.recorder.name == "take-2.wav"
    rig.record.recorder.close()
    ControlRig(media=tmp_path).record.resume(tmp_path / "none" / "take.wav")
    assert "does not continue" in caplog.text
