"""Clip pairs: reproducible by number, and each pair is what it says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.training.made_up_store import make_store
from training.data import ClipPairs
from training.store import Store, to_float
from training.store_index import StoreError

CLIP = 8000


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_store(tmp_path_factory.mktemp("store"))


def places(store: Store, clip: torch.Tensor) -> list[tuple[str, int]]:
    """Which recordings hold this clip, and where."""
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


def test_a_batch_is_the_same_whenever_it_is_asked_for(store: Store) -> None:
    first, again = (ClipPairs(store, CLIP, 4, 10, seed=1)[7] for _ in range(2))
    assert torch.equal(first.audio, again.audio)
    assert torch.equal(first.same_score, again.same_score)
    assert not torch.equal(first.audio, ClipPairs(store, CLIP, 4, 10, seed=2)[7].audio)
    assert first.audio.shape == (4, 2, CLIP)


def test_pairs_of_one_score_are_the_same_moment_by_two_instruments(store: Store) -> None:
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


def test_held_out_music_is_not_trained_on(store: Store) -> None:
    for step in range(20):
        for pair in ClipPairs(store, CLIP, 2, 20)[step].audio:
            assert not {"away.wav"} & {name for clip in pair for name, _ in places(store, clip)}


def test_recordings_shorter_than_a_clip_are_named_as_the_cause(store: Store) -> None:
    with pytest.raises(StoreError, match="no recording of split 'train' is as long as a clip"):
        ClipPairs(store, 10**7, 2, 1)
