"""Pictures of held-out clips show generated images below true ones of the same moments."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from model.config import PRESETS
from model.instrument import Instrument
from model.streaming import State
from tests.training.made_up_store import make_store
from training.objectives import pictures
from training.objectives.pictures import held_out_images, show_images, show_sounds
from training.store.clip_pairs import ClipPairs
from training.store.store import Store
from training.support.run_log import RunLog


class Shown(RunLog):
    """Keeps pictures and figures instead of writing them."""

    def __init__(self) -> None:
        self.pictures: dict[str, list[Tensor]] = {}
        self.figures: dict[str, float] = {}

    def picture(self, name: str, rows: list[Tensor], step: int) -> None:
        self.pictures[name] = rows

    def scalar(self, name: str, value: float | Tensor, step: int) -> None:
        self.figures[name] = float(value)


class TruthfulVocoder(nn.Module):
    """Returns the true sound with a stream's lag (``ModelConfig.latency_samples``)."""

    def __init__(self, audio: Tensor, late_samples: int) -> None:
        super().__init__()
        self.audio, self.late_samples = audio, late_samples

    def initial_state(self, batch: int) -> State:
        return {}

    def forward(self, image: Tensor, noise: Tensor, state: State) -> tuple[Tensor, State]:
        samples = image.shape[3] * PRESETS["tiny"].features.hop_samples
        begin = PRESETS["tiny"].features.context_samples // 2 - self.late_samples
        return self.audio[:, None, begin : begin + samples], state


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_store(tmp_path_factory.mktemp("store"))


def test_true_sound_has_the_picture_of_the_truth(store: Store) -> None:
    config = PRESETS["tiny"]
    model, log = Instrument(config), Shown()
    clips = ClipPairs(store, config.input_samples, 4, 1, seed=1, split="heldout")[0].audio[:, 0]
    model.vocoder = TruthfulVocoder(clips, config.latency_samples)  # type: ignore[assignment]
    show_sounds(log, store, model, 1)
    assert log.figures["heldout/image"] < 1e-4
    true, mine = log.pictures["heldout/0"]
    assert true.shape == mine.shape
    assert true.shape[1] > config.clip_frames * 0.8


def test_held_out_music_shorter_than_a_clip_is_shown_as_well(tmp_path: Path) -> None:
    config = PRESETS["tiny"]
    short = make_store(tmp_path, seconds=0.5)
    assert short.split("heldout")[0].length < config.clip_samples
    log = Shown()
    show_images(log, short, Instrument(config), 1)
    assert len(log.pictures) == 4


def test_an_untrained_vocoder_has_another_picture(store: Store) -> None:
    torch.manual_seed(0)
    model, log = Instrument(PRESETS["tiny"]), Shown()
    show_sounds(log, store, model, 1)
    assert log.figures["heldout/image"] > 0.02
    assert model.vocoder.training, "as it was before"


def test_every_clip_has_its_decoded_image(store: Store, tmp_path: Path) -> None:
    model, log = Instrument(PRESETS["tiny"]), Shown()
    show_images(log, store, model, 1)
    assert list(log.pictures) == [f"heldout/{index}" for index in range(4)]
    torch.testing.assert_close(
        log.pictures["heldout/2"][0], held_out_images(store, model.config)[2, 1]
    )
    assert pictures.lead_frames(model.config) == 2
