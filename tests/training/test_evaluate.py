"""``python -m training.evaluate`` on an untrained tiny model and made-up music."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

from model import checkpoint
from model.config import preset
from model.instrument import Instrument
from model.streaming import State
from training.evaluate import main
from training.evaluation_report import finite_or_none
from training.excerpts import draw_excerpts, kind_of, layout
from training.measuring import METHODS, METRICS
from training.rendition import Rendition
from training.store import Store, StoredRecording, StoreWriter, to_int16

CONFIG = preset("tiny")
RATE_HZ = CONFIG.features.sample_rate_hz


def music(seed: int, seconds: float) -> np.ndarray:
    random = np.random.default_rng(seed)
    time_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    hz = 220 * 2 ** (random.integers(0, 12, size=int(seconds * 4) + 1) / 12)
    notes = np.sin(2 * np.pi * np.cumsum(hz[(time_s * 4).astype(int)]) / RATE_HZ)
    return (0.3 * notes * np.exp(-6 * (time_s % 0.25))).astype(np.float32)


def write_store(path: Path, rate_hz: int = RATE_HZ, split: str = "heldout") -> Path:
    with StoreWriter(path, rate_hz, -23.0) as writer:
        for seed, (score, seconds) in enumerate([(None, 5.0), ("s", 4.0), ("s", 4.0), (None, 1.5)]):
            recording = StoredRecording(f"{seed}.wav", 0, 0, 0.0, split, score)
            writer.append(recording, to_int16(music(seed, seconds)))
    return path


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("run")
    checkpoint.save_config(folder, CONFIG)
    model = Instrument(CONFIG)
    for part in checkpoint.PARTS:
        checkpoint.save_part(folder, part, model, {"steps": 0})
    return folder


def test_every_method_has_every_figure_for_every_kind(
    run: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, pictures = tmp_path / "report.json", tmp_path / "pictures"
    options = ["--clips", "3", "--seconds", "1.5", "--pictured-clips", "1"]
    given = [str(run), "--data", str(store), "-o", str(out), "--pictures", str(pictures)]
    assert main(given + options) == 0
    report = json.loads(out.read_text())
    assert {name: group["clips"] for name, group in report["groups"].items()} == {
        "all": 3,
        "real": 2,
        "rendered": 1,
    }
    for group in report["groups"].values():
        for method in METHODS:
            assert set(group["sound"][method]) == {metric.name for metric in METRICS}
    everything = report["groups"]["all"]
    assert everything["sound"]["griffin_lim"]["onset_f1"]["mean"] > 0.8
    assert everything["beats_mean_spectrum"] is False
    assert report["latents"]["style_dims"] == CONFIG.encoder.style_dims
    assert len(report["clips"]) == 3
    said = capsys.readouterr().out
    assert "Griffin-Lim on true mels" in said and "beats the mean spectrum: no" in said
    assert max(map(len, said.splitlines()[1:])) <= 100
    assert len(list(pictures.glob("*.png"))) == 1
    sounds = list(pictures.glob("*.wav"))
    assert len(sounds) == 4
    assert {soundfile.info(sound).frames for sound in sounds} == {
        layout(CONFIG, 1.5).frames * CONFIG.features.hop_samples
    }


def test_the_same_seed_draws_the_same_excerpts_and_another_seed_others(store: Path) -> None:
    def drawn(seed: int) -> list[tuple[str, float]]:
        excerpts = draw_excerpts(Store.open(store), CONFIG, "heldout", 6, 1.0, seed)
        return [(one.recording, one.start_s) for one in excerpts]

    assert drawn(0) == drawn(0) != drawn(1)


def test_all_recordings_come_once_before_any_comes_again(store: Path) -> None:
    opened = Store.open(store)
    excerpts = draw_excerpts(opened, CONFIG, "heldout", 4, 1.0, 0)
    assert {one.recording for one in excerpts} == {one.name for one in opened.recordings}
    assert [one.kind for one in excerpts] == ["real", "rendered", "real", "rendered"]
    assert {kind_of(one) for one in opened.recordings} == {"real", "rendered"}


@pytest.mark.parametrize("seconds", [1.0, 2.0, 7.0])
def test_an_excerpt_holds_what_is_measured_where_the_layout_says(
    store: Path, seconds: float
) -> None:
    frames, hop = layout(CONFIG, seconds), CONFIG.features.hop_samples
    assert frames.stretch_frames >= CONFIG.clip_frames
    assert frames.stretch_frames % CONFIG.encoder.frames_per_tick == 0
    for one in draw_excerpts(Store.open(store), CONFIG, "heldout", 4, seconds, 0):
        assert one.samples.size == frames.stretch_frames * hop + CONFIG.features.context_samples
        assert one.truth.size == frames.frames * hop


class Delay(torch.nn.Module):
    """A perfect vocoder: the stretch's true samples, late by the latency of the real one."""

    def __init__(self, stretch: np.ndarray, latency_samples: int) -> None:
        super().__init__()
        late = np.concatenate([np.zeros(latency_samples, np.float32), stretch])
        self.sound = torch.from_numpy(late[: stretch.size])

    def initial_state(self, batch: int) -> State:
        return {}

    def forward(self, image: Tensor, noise: Tensor, state: State) -> tuple[Tensor, State]:
        return self.sound[None, None], state


@pytest.mark.parametrize("seconds", [1.0, 2.0])
def test_a_perfect_vocoder_is_perfectly_aligned(run: Path, store: Path, seconds: float) -> None:
    model, _ = checkpoint.load_instrument(run)
    by = Rendition(model, layout(CONFIG, seconds), 0)
    excerpt = draw_excerpts(Store.open(store), CONFIG, "heldout", 1, seconds, 0)[0]
    heard = by.listen(excerpt)
    assert heard.image.shape[2] == by.layout.stretch_frames
    assert heard.structure.shape == (CONFIG.structure_dims, by.layout.stretch_frames)
    half = CONFIG.features.context_samples // 2
    model.vocoder = Delay(excerpt.samples[half:-half], CONFIG.latency_samples)
    np.testing.assert_array_equal(by.play(heard.image), excerpt.truth)


def test_playing_twice_gives_the_same_bits(run: Path, store: Path) -> None:
    model, _ = checkpoint.load_instrument(run)
    by = Rendition(model, layout(CONFIG, 1.0), 0)
    heard = by.listen(draw_excerpts(Store.open(store), CONFIG, "heldout", 1, 1.0, 0)[0])
    np.testing.assert_array_equal(by.play(heard.image), by.play(heard.image))


def test_bad_input_is_one_line_and_exit_code_2(
    run: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other_rate = write_store(tmp_path / "other", rate_hz=8000)
    none_held = write_store(tmp_path / "none", split="train")
    cases = {
        (tmp_path / "nothing", store): "no checkpoint in",
        (run, tmp_path / "nothing"): "no training store here",
        (run, other_rate): "8000 Hz",
        (run, none_held): "no recordings of split 'heldout'",
    }
    for (checkpoint_folder, data), words in cases.items():
        assert main([str(checkpoint_folder), "--data", str(data)]) == 2
        said = capsys.readouterr().err
        assert words in said
        assert len(said.splitlines()) == 1


@pytest.mark.parametrize("bad", [["--clips", "0"], ["--seconds", "nan"], ["--split", "other"]])
def test_bad_options_exit_with_2(bad: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["run", "--data", "store", *bad])
    assert ended.value.code == 2


def test_a_report_is_strict_json() -> None:
    nested = {"a": float("nan"), "b": [1.0, float("inf")], "c": {"d": True, "e": 2}}
    assert finite_or_none(nested) == {"a": None, "b": [1.0, None], "c": {"d": True, "e": 2}}
