"""The training store survives a round trip, and damage is refused."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training.store.index import AUDIO_FILE, INDEX_FILE, StoredRecording, StoreError
from training.store.store import Store, to_float, to_int16
from training.store.writer import StoreWriter

RATE_HZ = 16_000


def entry(name: str, split: str = "train", **more: str) -> StoredRecording:
    return StoredRecording(name, 0, 0, -1.5, split, **more)


def noise(length: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-32767, 32767, length).astype(np.int16)


def write(path: Path, *entries: StoredRecording) -> None:
    with StoreWriter(path, RATE_HZ, -23.0) as writer:
        for number, recording in enumerate(entries):
            writer.append(recording, noise(1000 + number, number))


def test_recordings_are_read_back_unchanged(tmp_path: Path) -> None:
    write(tmp_path, entry("a"), entry("b", "heldout", score="s", instrument="40+42"))
    store = Store.open(tmp_path)
    first, second = store.recordings
    assert store.sample_rate_hz == RATE_HZ
    assert (first.name, first.score, first.gain_db) == ("a", None, -1.5)
    assert (second.score, second.instrument, second.length) == ("s", "40+42", 1001)
    np.testing.assert_array_equal(store.audio(first), noise(1000, 0))
    np.testing.assert_array_equal(store.audio(second), noise(1001, 1))


def test_labels_group_and_midi_are_read_back(tmp_path: Path) -> None:
    labels = {"composer": "Frédéric Chopin", "instrument": "gel|voi"}
    write(tmp_path, replace(entry("a"), labels=labels, group="work", midi="set/a.mid"), entry("b"))
    first, second = Store.open(tmp_path).recordings
    assert (first.labels, first.group, first.midi) == (labels, "work", "set/a.mid")
    assert first.label("instrument") == ("gel", "voi")
    assert second.label("instrument") == ()
    assert len({first, second}) == 2


def test_a_store_without_labels_still_opens(tmp_path: Path) -> None:
    write(tmp_path, entry("a"), entry("b", "heldout", score="s"))
    index = json.loads((tmp_path / INDEX_FILE).read_text())
    for stored in index["recordings"]:
        for new in ("labels", "group", "midi", "source_digest"):
            del stored[new]
    (tmp_path / INDEX_FILE).write_text(json.dumps(index))
    first, second = Store.open(tmp_path).recordings
    assert (first.labels, first.group, first.kin, second.kin) == ({}, None, None, "s")


def test_audio_is_a_read_only_view(tmp_path: Path) -> None:
    write(tmp_path, entry("a"))
    audio = Store.open(tmp_path).audio(Store.open(tmp_path).recordings[0])
    assert audio.dtype == np.int16
    with pytest.raises(ValueError, match="read-only"):
        audio[0] = 1


def test_splits_are_separate(tmp_path: Path) -> None:
    write(tmp_path, entry("a"), entry("b", "heldout"), entry("c"))
    store = Store.open(tmp_path)
    assert [recording.name for recording in store.split("train")] == ["a", "c"]
    assert [recording.name for recording in store.split("heldout")] == ["b"]
    assert store.seconds(store.split("heldout")) == pytest.approx(1001 / RATE_HZ)
    with pytest.raises(StoreError, match="choose one of train, heldout"):
        store.split("valid")


def test_a_pickled_store_maps_the_file_again(tmp_path: Path) -> None:
    write(tmp_path, entry("a"))
    pickled = pickle.dumps(Store.open(tmp_path))
    assert len(pickled) < 500
    copy = pickle.loads(pickled)
    np.testing.assert_array_equal(copy.audio(copy.recordings[0]), noise(1000))


def test_a_later_writer_appends(tmp_path: Path) -> None:
    write(tmp_path, entry("a"))
    with StoreWriter(tmp_path, RATE_HZ, -23.0) as writer:
        assert writer.find("a") is not None
        writer.append(entry("b"), noise(50, 9))
    store = Store.open(tmp_path)
    np.testing.assert_array_equal(store.audio(store.recordings[1]), noise(50, 9))


def test_samples_beyond_the_index_are_cut_off(tmp_path: Path) -> None:
    write(tmp_path, entry("a"))
    with (tmp_path / AUDIO_FILE).open("ab") as file:
        file.write(b"half a recording.")
    write(tmp_path, entry("b"))
    store = Store.open(tmp_path)
    assert [recording.offset for recording in store.recordings] == [0, 1000]
    assert (tmp_path / AUDIO_FILE).stat().st_size == 4000


@contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    """Limit the size of files, as on a disk that is full from there on."""
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


FULL = r"cannot be written \(File too large\); what was saved is kept: free space and run"


def test_a_full_disk_keeps_the_complete_recordings_and_is_reported(tmp_path: Path) -> None:
    with files_no_longer_than(3_000), pytest.raises(StoreError, match=FULL) as caught:
        write(tmp_path, entry("a"), entry("b"))
    assert str(caught.value).startswith(f"{tmp_path}: ")
    store = Store.open(tmp_path)
    assert [recording.name for recording in store.recordings] == ["a"]
    assert (tmp_path / AUDIO_FILE).stat().st_size == 2_000, "half a recording takes up no room"
    write(tmp_path, entry("b"))
    assert len(Store.open(tmp_path).recordings) == 2


def test_a_disk_too_full_for_the_index_keeps_the_previous_one(tmp_path: Path) -> None:
    write(tmp_path, entry("a"))
    before = (tmp_path / INDEX_FILE).read_bytes()
    full, refused = files_no_longer_than(len(before)), pytest.raises(StoreError, match=FULL)
    with full, refused, StoreWriter(tmp_path, RATE_HZ, -23.0) as writer:
        writer.update(entry("b" * 10))
    assert (tmp_path / INDEX_FILE).read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [AUDIO_FILE, INDEX_FILE]


def test_two_writers_at_once_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    with StoreWriter(tmp_path, RATE_HZ, -23.0), pytest.raises(StoreError, match="another process"):
        StoreWriter(tmp_path, RATE_HZ, -23.0)


def test_another_rate_is_refused(tmp_path: Path) -> None:
    write(tmp_path, entry("a"))
    with pytest.raises(StoreError, match="the store is at 16000 Hz, not 22050 Hz"):
        StoreWriter(tmp_path, 22_050, -23.0)


def test_int16_round_trip_is_within_half_a_step() -> None:
    samples = np.linspace(-1.0, 1.0, 10_001, dtype=np.float32)
    stored = to_int16(samples)
    assert (stored.min(), stored.max()) == (-32767, 32767)
    np.testing.assert_allclose(to_float(stored), samples, atol=0.51 / 32767)
    np.testing.assert_array_equal(to_int16(to_float(stored)), stored)


def damage(change: Callable[[dict[str, object]], object]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        index = json.loads((folder / INDEX_FILE).read_text())
        change(index)
        (folder / INDEX_FILE).write_text(json.dumps(index))

    return apply


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / INDEX_FILE).unlink(), "no training store here"),
        (lambda folder: (folder / INDEX_FILE).write_text("{"), "damaged"),
        (lambda folder: (folder / INDEX_FILE).write_text("[]"), "damaged"),
        (lambda folder: (folder / AUDIO_FILE).write_bytes(b"xx"), "the index needs"),
        (lambda folder: (folder / AUDIO_FILE).unlink(), "the index needs"),
        (damage(lambda index: index.update(version=99)), "version 99"),
        (damage(lambda index: index.update(recordings=[])), "empty"),
        (damage(lambda index: index["recordings"][0].update(split="test")), "damaged"),
        (damage(lambda index: index["recordings"][0].update(offset=-4)), "damaged"),
        (damage(lambda index: index["recordings"][0].pop("length")), "damaged"),
        (damage(lambda index: index["recordings"][0].update(labels=["jazz"])), "damaged"),
        (damage(lambda index: index["recordings"][0].update(labels={"pitch": 3})), "damaged"),
    ],
)
def test_a_damaged_store_is_refused_in_one_line(
    tmp_path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    write(tmp_path, entry("a"))
    spoil(tmp_path)
    with pytest.raises(StoreError, match=said) as caught:
        Store.open(tmp_path)
    assert "\n" not in str(caught.value)
