"""Clip pairs: reproducible by number, and true to their flags."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.made_up_store import RATE_HZ, make_store, notes
from training.store.clip_pairs import ClipPairs
from training.store.index import StoredRecording, StoreError
from training.store.store import Store, to_float, to_int16
from training.store.writer import StoreWriter

CLIP = 8000


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_store(tmp_path_factory.mktemp("store"))


def places(store: Store, clip: torch.Tensor) -> list[tuple[str, int]]:
    """The recordings that hold this clip, and where."""
    found = []
    for recording in store.recordings:
        audio = to_float(np.asarray(store.audio(recording)))
        starts = np.flatnonzero(np.isclose(audio[: -CLIP + 1], float(clip[0]), atol=1e-7))
        found += [
            (recording.name, int(start))
            for start in starts
            if np.array_equal(audio[start : start + CLIP], clip.numpy())
        ]
    return found


def test_a_batch_is_the_same_every_time(store: Store) -> None:
    first, again = (ClipPairs(store, CLIP, 4, 10, seed=1)[7] for _ in range(2))
    assert torch.equal(first.audio, again.audio)
    assert torch.equal(first.same_score, again.same_score)
    assert not torch.equal(first.audio, ClipPairs(store, CLIP, 4, 10, seed=2)[7].audio)
    assert first.audio.shape == (4, 2, CLIP)


def test_pairs_of_one_piece_are_the_same_moment_with_two_instruments(store: Store) -> None:
    batch = ClipPairs(store, CLIP, 6, 1, same_score_share=1.0)[0]
    assert batch.same_score.all()
    for one, other in batch.audio:
        (name, start), (other_name, other_start) = places(store, one)[0], places(store, other)[0]
        assert {name, other_name} == {"score-soft.wav", "score-hard.wav"}
        assert start == other_start


def test_elsewhere_is_another_excerpt_of_each_clip_s_recording(store: Store) -> None:
    for same_score_share in (0.0, 1.0):
        batch = ClipPairs(store, CLIP, 6, 1, same_score_share=same_score_share)[0]
        clips, elsewhere = batch.audio.flatten(0, 1), batch.elsewhere.flatten(0, 1)
        assert not any(torch.equal(*two) for two in zip(clips, elsewhere, strict=True))
        for two in zip(clips, elsewhere, strict=True):
            here, there = ({name for name, _ in places(store, clip)} for clip in two)
            assert here & there


def test_other_pairs_are_excerpts_of_one_recording(store: Store) -> None:
    batch = ClipPairs(store, CLIP, 6, 1, same_score_share=0.0)[0]
    assert not batch.same_score.any()
    for one, other in batch.audio:
        names, others = ({name for name, _ in places(store, clip)} for clip in (one, other))
        assert names & others


def test_held_out_music_is_not_in_training_batches(store: Store) -> None:
    for step in range(20):
        for pair in ClipPairs(store, CLIP, 2, 20)[step].audio:
            assert not {"away.wav"} & {name for clip in pair for name, _ in places(store, clip)}


def test_recordings_shorter_than_a_clip_are_repeated_end_to_end(store: Store) -> None:
    length = store.recordings[0].length
    clips = ClipPairs(store, 3 * length, 4, 1, same_score_share=0.0)[0].audio.flatten(0, 1)
    assert clips.shape == (8, 3 * length)
    assert all(torch.equal(clip, clip[:length].repeat(3)) for clip in clips)


def test_short_and_long_recordings_are_both_drawn(tmp_path: Path) -> None:
    with StoreWriter(tmp_path, RATE_HZ, -23.0) as writer:
        for name, seconds in (("short", 0.25), ("long", 1.0)):
            samples = to_int16(notes(len(name), seconds, 0.5))
            writer.append(StoredRecording(name, 0, 0, 0.0, "train"), samples)
    batch = ClipPairs(Store.open(tmp_path), CLIP, 40, 1)[0]
    assert batch.audio.shape == (40, 2, CLIP)
    short = Store.open(tmp_path).recordings[0].length
    repeated = [torch.equal(one[:short], one[short : 2 * short]) for one in batch.audio[:, 0]]
    assert 0 < sum(repeated) < 40


def test_short_pairs_of_one_piece_start_over_together(tmp_path: Path) -> None:
    with StoreWriter(tmp_path, RATE_HZ, -23.0) as writer:
        for instrument, length in (("soft", 3000), ("hard", 3010)):
            recording = StoredRecording(
                instrument, 0, 0, 0.0, "train", score="score", instrument=instrument
            )
            writer.append(recording, np.arange(length, dtype=np.int16))
    (soft, hard) = ClipPairs(Store.open(tmp_path), CLIP, 1, 1, same_score_share=1.0)[0].audio[0]
    assert torch.equal(soft, hard)


def test_a_split_without_recordings_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no recordings of split 'heldout'; add some with"):
        ClipPairs(make_store(tmp_path, heldout=False), CLIP, 2, 1, split="heldout")
