"""``python -m training.evaluate`` on an untrained tiny model, a mini bundle and synthetic music."""

from __future__ import annotations

import json
import re
import resource
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from matplotlib.figure import Figure
from torch import Tensor

from export.bundle.archive import write_bundle
from export.style_axes import measured_knobs, weights_digest
from model import checkpoint
from model.config import preset
from model.instrument import Instrument
from model.streaming import State
from server.controls.table import control_table
from tests import mini_bundle
from training.evaluate import traverse
from training.evaluate.__main__ import main
from training.evaluate.measuring import METHODS, METRICS
from training.evaluate.report_folder import finite_or_none
from training.evaluate.sections import SECTIONS
from training.fit.init_from import load_initial_weights
from training.measures.bundle_voice import BundleVoice, grid_of_manifest, open_bundle_voice
from training.measures.descriptors import DESCRIPTORS
from training.measures.excerpts import draw_excerpts, excerpt_at, kind_of, layout
from training.measures.model_grid import ModelGrid, grid_of_config
from training.measures.model_renderer import ModelRenderer
from training.measures.voice import BLOCK_FRAMES, TorchVoice
from training.report.media_writer import MediaWriter
from training.store.index import StoredRecording
from training.store.store import Store, to_int16
from training.store.writer import StoreWriter

CONFIG = preset("tiny")
GRID = grid_of_config(CONFIG)
RATE_HZ = GRID.sample_rate_hz
SHIPPED = Path(__file__).parents[3] / "server" / "default.bundle"
FEW = ["--clips", "3", "--seconds", "1", "--shown", "1"]


def music(seed: int, seconds: float) -> np.ndarray:
    random = np.random.default_rng(seed)
    time_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    hz = 220 * 2 ** (random.integers(0, 12, size=int(seconds * 4) + 1) / 12)
    notes = np.sin(2 * np.pi * np.cumsum(hz[(time_s * 4).astype(int)]) / RATE_HZ)
    return (0.3 * notes * np.exp(-6 * (time_s % 0.25))).astype(np.float32)


def write_store(
    path: Path, rate_hz: int = RATE_HZ, split: str = "heldout", pieces: tuple[str, ...] = ("s", "s")
) -> Path:
    takes = [(None, 5.0), *((piece, 4.0) for piece in pieces), (None, 1.5)]
    with StoreWriter(path, rate_hz, -23.0) as writer:
        for seed, (piece, seconds) in enumerate(takes):
            recording = StoredRecording(
                f"{seed}.wav", 0, 0, 0.0, split, piece, instrument=f"{seed}"
            )
            writer.append(recording, to_int16(music(seed, seconds)))
        if split == "heldout":
            taught = StoredRecording("taught.wav", 0, 0, 0.0, "train")
            writer.append(taught, to_int16(music(9, 5.0)))
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
    dims = GRID.style_dims
    space = {"mean": torch.zeros(dims), "covariance": torch.cov(torch.randn(dims, 64))}
    measured = {f"style_space.{name}": value for name, value in space.items()}
    for part in checkpoint.NEEDED_TO_PLAY:
        modules = checkpoint.modules_of(model, part)
        of_part = measured if part == "autoencoder" else {}
        checkpoint.save_part(folder, part, modules, {"steps": 0}, of_part)
    return folder


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "mini.bundle"
    write_bundle(path, mini_bundle.bundle())
    return path


@pytest.fixture
def few_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use fewer and shorter clips: seconds instead of minutes, on the same path."""
    monkeypatch.setattr(traverse, "SCALE_CLIPS", 6)
    monkeypatch.setattr(traverse, "SECONDS", 1.0)


def evaluate(*arguments: object) -> dict[str, Any]:
    """Run the command and return the report it wrote."""
    given = [str(one) for one in arguments]
    assert main(given) == 0
    report: dict[str, Any] = json.loads(
        (Path(given[given.index("-o") + 1]) / "report.json").read_text()
    )
    return report


def files_of(folder: Path) -> set[str]:
    """The files that the page points at."""
    return set(re.findall(r'src="([^"]+)"', (folder / "index.html").read_text()))


def test_the_reconstruction_report_has_every_figure_of_every_method(
    run: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report"
    section = evaluate(run, "--data", store, "-o", out, "--only", "reconstruction", *FEW)[
        "reconstruction"
    ]
    assert {name: group["clips"] for name, group in section["groups"].items()} == {
        "all": 3,
        "real": 2,
        "rendered": 1,
    }
    for group in section["groups"].values():
        for method in METHODS:
            assert set(group["sound"][method]) == {metric.name for metric in METRICS}
    everything = section["groups"]["all"]
    assert everything["sound"]["griffin_lim"]["onset_f1"]["mean"] > 0.8
    assert everything["beats_mean_spectrum"] is False
    assert section["latents"]["style_dims"] == CONFIG.encoder.style_dims
    assert len(section["clips"]) == 3
    said = capsys.readouterr().out
    assert "Griffin-Lim on true mels" in said and "beats the mean spectrum: no" in said
    assert max(map(len, said.splitlines()[1:-1])) <= 100
    sounds = list((out / "media").glob("*.flac"))
    assert len(sounds) == 5
    assert {soundfile.info(sound).frames for sound in sounds} == {
        layout(GRID, 1.0).frames * GRID.hop_samples
    }


def test_a_page_shows_every_section_and_its_files_exist(
    run: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.evaluate.time_experiments.PASSES", 4)
    monkeypatch.setattr("training.evaluate.time_experiments.FREEZE_S", 2)
    apart = ("reconstruction", "traverse", "heard")
    others = [name for name in SECTIONS if name not in apart]
    out = tmp_path / "report"
    report = evaluate(run, "--data", store, "-o", out, "--only", ",".join(others), *FEW)
    page = (out / "index.html").read_text()
    for name in others:
        assert f'id="{name}"' in page and name in report
    pointed = files_of(out)
    assert pointed == {f"media/{path.name}" for path in (out / "media").iterdir()}
    assert len(pointed) > 20
    assert "http" not in page
    assert set(report["transfer"]["summary"]) == set(report["transfer"]["titles"])
    assert report["interpolation"]["positions"][5] == 0.5
    assert not list(tmp_path.glob(".report*"))


@pytest.mark.usefixtures("few_clips")
def test_knobs_of_a_run_are_named_and_fit_a_bundle(
    run: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report"
    two = [*FEW, "--clips", "2"]
    report = evaluate(run, "--data", store, "-o", out, "--only", "traverse", *two)
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines()[:-1])) <= 100
    section = report["traverse"]
    assert section["axes"] == "taught, then principal"
    assert [knob["index"] for knob in section["dimensions"]] == list(range(GRID.style_dims))
    assert set(section["dimensions"][0]["effects"]) == {one.name for one in DESCRIPTORS}
    for knob in section["dimensions"]:
        low, high = knob["interval"]
        assert low <= knob["effect"] <= high
        assert f"{low:+.2f} to {high:+.2f}" in said
    strongest = [knob["effect"] for knob in section["dimensions"]]
    assert strongest == sorted(strongest, reverse=True)
    found = measured_knobs(report, run)
    assert found is not None
    latents, dimensions = found
    np.testing.assert_allclose(
        latents.rotation @ latents.rotation.T, np.eye(GRID.style_dims), atol=1e-5
    )
    assert [one.name for one in dimensions] == [knob["name"] for knob in section["dimensions"]]
    control_table(GRID.style_dims, [one.name for one in dimensions])
    assert files_of(out)


@pytest.mark.usefixtures("few_clips")
def test_a_bundle_is_measured_through_its_graphs_and_keeps_its_knobs(
    bundle: Path, store: Path, tmp_path: Path
) -> None:
    only = "reconstruction,traverse,interpolation,swaps,transfer"
    report = evaluate(bundle, "--data", store, "-o", tmp_path / "r", "--only", only, *FEW)
    assert report["traverse"]["clips"] == 3, "as many as --clips says"
    sound = report["reconstruction"]["groups"]["all"]
    assert set(sound["sound"]) == {"model", "griffin_lim", "noise"}
    assert sound["image_l1"] == {} and sound["beats_mean_spectrum"] is None
    assert report["reconstruction"]["latents"]["active"] is None
    assert report["traverse"]["axes"] == "the bundle's own"
    space = report["traverse"]["style_space"]
    np.testing.assert_array_equal(space["rotation"], mini_bundle.bundle().latents.rotation)
    # Style sets the pitch of the mini bundle's sine and nothing sets it but style.
    effects = report["traverse"]["dimensions"][0]["effects"]
    assert max(abs(effects["pitch"]), abs(effects["brightness"])) > 1 > abs(effects["density"])
    assert report["weights"] is None


def test_a_bundle_gives_the_same_style_deviations_as_its_run() -> None:
    voice = open_bundle_voice(SHIPPED)
    model = Instrument(preset(voice.grid.preset))
    load_initial_weights(SHIPPED, model)
    samples = model.config.input_samples
    windows = 0.1 * np.random.default_rng(0).standard_normal((2, samples), np.float32)
    bundled, trained = voice.encode(windows), TorchVoice(model).encode(windows)
    assert bundled.deviations is not None and trained.deviations is not None
    np.testing.assert_allclose(bundled.deviations, trained.deviations, atol=1e-4)


def test_a_bundle_plays_the_same_after_any_other_music() -> None:
    voice = BundleVoice(mini_bundle.bundle())
    random = np.random.default_rng(0)
    frames = BLOCK_FRAMES + 7
    style = random.random((mini_bundle.STYLE_DIMS, frames), np.float32)
    structure = random.random((mini_bundle.STRUCTURE_DIMS, frames), np.float32)
    once, again = voice.play(style, structure, 0), voice.play(style, structure, 0)
    assert once.shape == (frames * mini_bundle.HOP,)
    np.testing.assert_array_equal(once, again)
    assert np.abs(once - voice.play(style, structure, 1)).max() > 0


def test_grids_of_runs_and_bundles_agree() -> None:
    manifest = mini_bundle.manifest()
    grid = grid_of_manifest(manifest)
    assert grid.context_samples == manifest.context_samples
    assert grid.clip_samples + grid.context_samples == manifest.input_samples
    for name in ("tiny", "small", "base"):
        features = preset(name).features
        longest = features.context_samples + features.hop_samples
        assert features.window_samples == tuple(longest // part for part in (4, 2, 1))


def test_excerpts_depend_on_the_seed(store: Path) -> None:
    def drawn(seed: int) -> list[tuple[str, float]]:
        excerpts = draw_excerpts(Store.open(store), GRID, "heldout", 6, 1.0, seed)
        return [(one.recording, one.start_s) for one in excerpts]

    assert drawn(0) == drawn(0) != drawn(1)


def test_every_recording_is_drawn_once_before_any_is_repeated(store: Path) -> None:
    opened = Store.open(store)
    excerpts = draw_excerpts(opened, GRID, "heldout", 4, 1.0, 0)
    heldout = opened.split("heldout")
    assert {one.recording for one in excerpts} == {one.name for one in heldout}
    assert [one.kind for one in excerpts] == ["real", "rendered", "real", "rendered"]
    assert {kind_of(one) for one in heldout} == {"real", "rendered"}


@pytest.mark.parametrize("seconds", [1.0, 2.0, 7.0])
def test_an_excerpt_has_the_lengths_of_the_layout(store: Path, seconds: float) -> None:
    frames, hop = layout(GRID, seconds), GRID.hop_samples
    assert frames.stretch_frames >= GRID.clip_frames
    assert frames.stretch_frames % GRID.frames_per_tick == 0
    for one in draw_excerpts(Store.open(store), GRID, "heldout", 4, seconds, 0):
        assert one.samples.size == frames.stretch_frames * hop + GRID.context_samples
        assert one.truth.size == frames.frames * hop


@pytest.mark.parametrize("start_s", [0.0, 2.2, 99.0])
def test_an_excerpt_at_a_given_time_holds_the_recording_from_there(
    store: Path, start_s: float
) -> None:
    opened, frames = Store.open(store), layout(GRID, 1.0)
    one = excerpt_at(opened, opened.recordings[0], start_s, GRID, frames)
    begin = round(one.start_s * RATE_HZ)
    np.testing.assert_array_equal(
        to_int16(one.truth), opened.audio(opened.recordings[0])[begin : begin + one.truth.size]
    )
    if start_s == 2.2:
        assert one.start_s == pytest.approx(start_s, abs=1e-3)


class Delay(torch.nn.Module):
    """A perfect vocoder: the true samples, delayed by the real vocoder's latency."""

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
    voice = TorchVoice(model)
    renderer = ModelRenderer(voice, layout(GRID, seconds), 0)
    excerpt = draw_excerpts(Store.open(store), GRID, "heldout", 1, seconds, 0)[0]
    encoded, image = renderer.encode(excerpt), renderer.image(excerpt.samples)
    assert image.shape[2] == renderer.layout.stretch_frames
    assert renderer.at_frames(encoded.structure).shape == (CONFIG.structure_dims, image.shape[2])
    half = GRID.context_samples // 2
    model.vocoder = Delay(excerpt.samples[half:-half], CONFIG.latency_samples)
    made = renderer.cut(voice.vocode(image, 0)[GRID.latency_samples :])
    np.testing.assert_array_equal(made, excerpt.truth)


def renderer_and_excerpt(run: Path, store: Path) -> tuple[ModelRenderer, Any]:
    model, _ = checkpoint.load_instrument(run)
    renderer = ModelRenderer(TorchVoice(model), layout(GRID, 1.0), 0)
    return renderer, renderer.encode(
        draw_excerpts(Store.open(store), GRID, "heldout", 1, 1.0, 0)[0]
    )


def test_playing_twice_gives_the_same_bits(run: Path, store: Path) -> None:
    renderer, encoded = renderer_and_excerpt(run, store)
    np.testing.assert_array_equal(
        renderer.play(encoded.style, encoded.structure),
        renderer.play(encoded.style, encoded.structure),
    )


def test_structure_is_interpolated_at_frames_as_in_training(run: Path, store: Path) -> None:
    from model.decoder import ticks_to_frames

    renderer, encoded = renderer_and_excerpt(run, store)
    wanted = ticks_to_frames(torch.from_numpy(encoded.structure)[None], GRID.frames_per_tick)[0]
    np.testing.assert_allclose(renderer.at_frames(encoded.structure), wanted.numpy(), atol=1e-5)


def in_one_line(capsys: pytest.CaptureFixture[str], words: str) -> None:
    said = capsys.readouterr().err
    assert words in said
    assert len(said.splitlines()) == 1


def test_bad_input_fails_with_one_line_and_exit_code_2(
    run: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other_rate = write_store(tmp_path / "other", rate_hz=8000)
    none_held = write_store(tmp_path / "none", split="train")
    no_bundle = tmp_path / "no.bundle"
    no_bundle.write_text("nothing")
    cases = {
        (tmp_path / "nothing", store): "no checkpoint in",
        (no_bundle, store): "no complete bundle",
        (run, tmp_path / "nothing"): "no training store here",
        (run, other_rate): "8000 Hz",
        (run, none_held): "no recordings of split 'heldout'",
    }
    for (model, data), words in cases.items():
        out = tmp_path / "report"
        assert main([str(model), "--data", str(data), "-o", str(out)]) == 2
        in_one_line(capsys, words)
        assert not out.exists() and not list(tmp_path.glob(".report*"))


def test_a_run_that_lacks_a_part_is_refused(
    run: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lacking = tmp_path / "run"
    lacking.mkdir()
    for name in ("config.json", "autoencoder.safetensors"):
        (lacking / name).write_bytes((run / name).read_bytes())
    given = [str(lacking), "--data", str(store), "-o", str(tmp_path / "r")]
    assert main(given) == 2
    in_one_line(capsys, "no vocoder yet")


def test_knobs_without_a_style_space_are_refused(
    run: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, _ = checkpoint.load_instrument(run)
    bare = tmp_path / "run"
    checkpoint.save_config(bare, CONFIG)
    for part in checkpoint.NEEDED_TO_PLAY:
        checkpoint.save_part(bare, part, checkpoint.modules_of(model, part), {"steps": 0})
    given = [str(bare), "--data", str(store), "-o", str(tmp_path / "r"), "--only", "traverse"]
    assert main(given) == 2
    in_one_line(capsys, "holds no style space")


def test_a_section_that_cannot_be_measured_is_left_out_with_the_reason(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = write_store(tmp_path / "alone", pieces=("s", "t"))
    for name in list(SECTIONS):
        if name not in ("swaps", "transfer"):
            monkeypatch.delitem(SECTIONS, name)
    out = tmp_path / "report"
    report = evaluate(run, "--data", alone, "-o", out, "--clips", 2, "--seconds", 1, "--shown", 1)
    assert set(report["left_out"]) == {"transfer"}
    assert "two instruments" in report["left_out"]["transfer"]
    assert "transfer left out: no piece" in capsys.readouterr().out
    assert "Left out" in (out / "index.html").read_text()


def test_an_output_folder_with_other_files_is_refused(
    run: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, file = tmp_path / "mine", tmp_path / "report.json"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years")
    file.write_text("{}")
    for place, words in ((mine, "holds other files but no report"), (file, "is a file")):
        assert main([str(run), "--data", str(store), "-o", str(place)]) == 2
        in_one_line(capsys, words)
    assert (mine / "thesis.txt").read_text() == "years"


def test_a_new_report_replaces_the_old_one(run: Path, store: Path, tmp_path: Path) -> None:
    given = [run, "--data", store, "-o", tmp_path / "r", "--only", "swaps", "--seconds", 1]
    evaluate(*given, "--clips", 4, "--shown", 2)
    evaluate(*given, "--clips", 2, "--shown", 1)
    assert files_of(tmp_path / "r") == {
        f"media/{path.name}" for path in (tmp_path / "r" / "media").iterdir()
    }


def test_a_full_disk_is_reported_with_the_path(tmp_path: Path) -> None:
    media, noise = MediaWriter(tmp_path, 16_000), np.random.default_rng(0).random(9000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(OSError, match=r"media/a-sound\.flac cannot be written: System error"):
            media.sound("a sound", noise)
        with pytest.raises(OSError, match=r"media/a-picture\.png cannot be written: .*too large"):
            media.picture("a picture", Figure())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    "bad", [["--clips", "0"], ["--seconds", "nan"], ["--split", "other"], ["--only", "all"]]
)
def test_bad_options_exit_with_2(bad: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["run", "--data", "store", *bad])
    assert ended.value.code == 2
    in_one_line(capsys, bad[0])


def test_a_report_is_strict_json() -> None:
    nested = {"a": float("nan"), "b": [1.0, float("inf")], "c": {"d": True, "e": 2}}
    assert finite_or_none(nested) == {"a": None, "b": [1.0, None], "c": {"d": True, "e": 2}}


def test_different_weights_have_different_digests(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for part in checkpoint.NEEDED_TO_PLAY:
        name = f"{part}.safetensors"
        (other / name).write_bytes((run / name).read_bytes())
    assert weights_digest(other) == weights_digest(run)
    (other / "vocoder.safetensors").write_bytes(b"else")
    assert weights_digest(other) != weights_digest(run)


def test_a_grid_rounds_to_whole_ticks() -> None:
    grid: ModelGrid = GRID
    assert grid.frames_of(0.0) == grid.frames_per_tick
    assert grid.frames_of(1.0) % grid.frames_per_tick == 0
