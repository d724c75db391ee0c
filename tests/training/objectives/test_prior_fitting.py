"""Stage 4: the prior learns the frozen encoder's structure, and holds that encoder's digest."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from export.audio.model_input import window_starts
from model.config import PRESETS, ConfigError
from model.instrument import Instrument
from tests.training.made_up_store import make_store
from training.fit.stages import STAGES, BatchRequest, stages_of
from training.objectives import structure_tracks as tracks_module
from training.objectives.prior_fitting import PriorFitting, heldout_surprise
from training.objectives.structure_tracks import (
    FILE,
    StructureTrack,
    TrackStretches,
    structure_tracks,
)
from training.store.index import StoreError
from training.store.store import Store, to_float

CONFIG = PRESETS["tiny"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_store(tmp_path_factory.mktemp("store"))


@pytest.fixture
def model() -> Instrument:
    torch.manual_seed(0)
    return Instrument(CONFIG)


def supply(store: Store, run: Path, steps: int = 60) -> BatchRequest:
    return BatchRequest(store, run, batch=4, steps=steps, seed=0)


def test_the_loss_falls_and_held_out_music_surprises_less(
    store: Store, model: Instrument, tmp_path: Path
) -> None:
    batches = DataLoader(STAGES[4].batches(model, supply(store, tmp_path)), batch_size=None)
    objective = STAGES[4].objective(model, frozenset({"autoencoder"}))
    assert isinstance(objective, PriorFitting)
    heldout = structure_tracks(tmp_path, store, model, "heldout")
    before = heldout_surprise(objective.prior, heldout)
    optimiser = torch.optim.AdamW(objective.parameter_groups(1e-3))
    losses = []
    for step, batch in enumerate(batches, start=1):
        terms = objective(batch, step)
        optimiser.zero_grad()
        terms["total"].backward()
        optimiser.step()
        losses.append(float(terms["total"].detach()))
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 5
    assert heldout_surprise(objective.prior, heldout) < before - 5
    assert list(objective.learned()) == ["prior"]


def test_tracks_are_as_long_as_the_music_and_windows_are_laid_together(
    store: Store, model: Instrument, tmp_path: Path
) -> None:
    tracks = structure_tracks(tmp_path, store, model, "train")
    assert len(tracks) == len(store.split("train"))
    tick_samples = CONFIG.encoder.frames_per_tick * CONFIG.features.hop_samples
    longest = max(store.split("train"), key=lambda one: one.length)
    starts = window_starts(longest.length, CONFIG.clip_samples, tick_samples)
    ticks = starts[-1] // tick_samples + CONFIG.clip_ticks
    assert max(track.structure.shape[1] for track in tracks) == ticks
    samples = to_float(store.audio(store.split("train")[0]))
    again = tracks_module._encode(samples, model)
    assert any(
        track.structure.shape == again.structure.shape
        and torch.allclose(track.structure.float(), again.structure, atol=1e-2)
        for track in tracks
    )


def test_what_was_encoded_is_kept_until_encoder_or_store_change(
    store: Store, model: Instrument, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    structure_tracks(tmp_path, store, model, "train")
    kept = (tmp_path / FILE).read_bytes()
    encoded = []
    encode = tracks_module._encode
    monkeypatch.setattr(
        tracks_module, "_encode", lambda *given: encoded.append(1) or encode(*given)
    )
    structure_tracks(tmp_path, store, model, "heldout")
    assert not encoded
    structure_tracks(tmp_path, store, Instrument(CONFIG), "train")
    assert encoded
    assert (tmp_path / FILE).read_bytes() != kept
    (tmp_path / FILE).write_bytes(kept[:100])  # cut short: made again, not an error
    assert structure_tracks(tmp_path, store, model, "train")


def test_tracks_can_be_read_while_another_process_writes_them(tmp_path: Path) -> None:
    """Tracks of other lengths again and again: what is read has the right stamp, or is nothing."""
    path = tmp_path / FILE

    def write(ticks: int) -> None:
        track = {"train/a/structure": torch.full((1, ticks), float(ticks))}
        tracks_module._write(path, track, {"encoder": str(ticks % 2)})

    write(1)
    writer = threading.Thread(target=lambda: [write(step % 9 + 1) for step in range(300)])
    writer.start()
    while writer.is_alive():
        kept = tracks_module._read(path, {"encoder": "1"})
        if kept is not None:
            ticks = kept["train/a/structure"].shape[1]
            assert ticks % 2 == 1
            assert kept["train/a/structure"].tolist() == [[ticks] * ticks]
    writer.join()


def test_tracks_that_find_no_room_end_in_an_error_with_their_place(
    store: Store, model: Instrument, tmp_path: Path
) -> None:
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            structure_tracks(tmp_path, store, model, "train")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert str(tmp_path / FILE) in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_music_beyond_the_limit_is_left_alone_real_recordings_first(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(tracks_module, "MOST_MINUTES", {"train": 0.15, "heldout": 10.0})
    chosen = tracks_module._chosen(store, "train")
    assert sorted(one.name for one in chosen) == ["one.wav", "two.wav"]
    assert len(tracks_module._chosen(store, "heldout")) == 1
    assert caplog.messages == ["the prior uses 0.2 of 0.4 minutes (train)"]


def test_batches_are_the_same_by_number_and_stretches_fit_short_music() -> None:
    tracks = [StructureTrack(torch.randn(3), torch.randn(2, ticks)) for ticks in (5, 40, 60)]
    stretches = TrackStretches(tracks, ticks=192, batch=6, steps=3, seed=1)
    one, again, other = stretches[1], stretches[1], stretches[2]
    assert one.structure.shape == (6, 2, 60)
    assert torch.equal(one.structure, again.structure)
    assert len(stretches) == 3
    short = TrackStretches(tracks, ticks=30, batch=6, steps=3, seed=1)
    assert not torch.equal(short[1].structure, short[2].structure)
    assert len(short.tracks) == 3
    assert other.style.shape == (6, 3)
    halves = [
        TrackStretches(tracks, 192, batch=6, steps=3, seed=1, process_index=i, process_count=2)
        for i in range(2)
    ]
    assert torch.equal(torch.cat([half[1].structure for half in halves]), one.structure)
    with pytest.raises(StoreError, match="no recording"):
        TrackStretches([], ticks=30, batch=6, steps=3, seed=1)


def test_a_short_track_is_repeated_end_to_end() -> None:
    tracks = [
        StructureTrack(torch.zeros(3), torch.randn(2, 5)),
        StructureTrack(torch.ones(3), torch.randn(2, 12)),
    ]
    stretches = TrackStretches(tracks, ticks=12, batch=40, steps=1, seed=1)[0]
    short = stretches.structure[stretches.style[:, 0] == 0]
    assert 0 < len(short) < 40
    assert torch.equal(short[0], tracks[0].structure.repeat(1, 3)[:, :12])


def test_only_presets_with_structure_have_the_stage() -> None:
    assert 4 in stages_of(PRESETS["small"])
    assert 4 not in stages_of(PRESETS["seed"])
    with pytest.raises(ConfigError, match="no structure"):
        PriorFitting(Instrument(PRESETS["seed"]))
