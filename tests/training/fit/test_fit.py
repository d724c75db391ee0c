"""Training end to end with the preset ``tiny``: learning, resuming, and refusing bad input."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from model import checkpoint
from model.config import PRESETS
from model.instrument import Instrument
from tests.training.made_up_store import make_store
from training.fit import __main__ as fit
from training.fit.stages import STAGES, stages_of
from training.objectives.autoencoding import Autoencoding
from training.objectives.vocoding import Vocoding
from training.store.clip_pairs import ClipPairs, PairBatch

TINY = PRESETS["tiny"]
FAST = ["--preset", "tiny", "--batch", "4", "--threads", "1", "--minutes", "5"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("store")).path


def run_fit(store: Path, out: Path, *more: str) -> int:
    return fit.main([str(store), "--out", str(out), *FAST, *more])


def test_training_all_stages_gives_a_run_that_loads(store: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert run_fit(store, out, "--steps", "3") == 0
    model, progress = checkpoint.load_instrument(out)
    assert model.config == TINY
    assert progress.keys() >= {"autoencoder", "vocoder"}
    assert {seen["steps"] for seen in progress.values()} == {3}
    assert all(checkpoint.has_part(out, STAGES[number].part) for number in stages_of(TINY))
    assert checkpoint.load_style_space(out)["covariance"].shape == (8, 8)
    assert list((out / "tensorboard" / "autoencoder").glob("events*"))


def test_a_store_of_short_recordings_trains(tmp_path: Path) -> None:
    """Recordings shorter than a clip, like those of IRMAS: 3 s, where a clip is 3.1 s long."""
    short = make_store(tmp_path / "store", seconds=1.0)
    assert max(one.length for one in short.recordings) < TINY.input_samples
    assert run_fit(short.path, tmp_path / "run", "--steps", "1") == 0


def test_the_seed_preset_trains(tmp_path: Path) -> None:
    config = PRESETS["seed"]
    torch.manual_seed(0)
    model = Instrument(config)
    objective = Autoencoding(config, model.encoder, model.decoder)
    batch = PairBatch(
        0.1 * torch.randn(1, 2, config.input_samples),
        torch.tensor([True]),
        0.1 * torch.randn(1, 2, config.input_samples),
    )
    terms = objective(batch, 1)
    terms["total"].backward()
    assert torch.isfinite(terms["total"])


def test_a_resumed_run_continues_with_the_next_batch(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    honest = ClipPairs.__getitem__

    def watched(self: ClipPairs, step: int) -> PairBatch:
        if self.seed == 0:  # training's; pictures and the style space have other seeds
            seen.append(step)
        return honest(self, step)

    monkeypatch.setattr(ClipPairs, "__getitem__", watched)
    assert run_fit(store, tmp_path, "--stage", "1", "--steps", "2") == 0
    first = load_file(tmp_path / "autoencoder.safetensors")
    assert run_fit(store, tmp_path, "--stage", "1", "--steps", "5", "--resume") == 0
    assert seen == [0, 1, 2, 3, 4]
    assert json.loads((tmp_path / "autoencoder.json").read_text())["steps"] == 5
    moments = load_file(tmp_path / "autoencoder.resume.safetensors")
    assert {float(v) for name, v in moments.items() if name.endswith(".step")} == {5.0}
    second = load_file(tmp_path / "autoencoder.safetensors")
    assert not torch.equal(first["decoder.widen.weight"], second["decoder.widen.weight"])


def test_a_run_is_not_overwritten(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert run_fit(store, out, "--stage", "1", "--steps", "1") == 0
    before = (out / "autoencoder.safetensors").read_bytes()
    assert run_fit(store, out, "--stage", "1", "--steps", "1") == 2
    assert "already holds a trained autoencoder; go on with --resume" in capsys.readouterr().err
    assert (out / "autoencoder.safetensors").read_bytes() == before


def test_a_loss_that_is_not_finite_ends_training_and_keeps_the_last_checkpoint(
    store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "run"
    assert run_fit(store, out, "--stage", "1", "--steps", "1") == 0
    before = (out / "autoencoder.safetensors").read_bytes()
    honest = Autoencoding.forward

    def broken(self: Autoencoding, batch: PairBatch, step: int) -> dict[str, torch.Tensor]:
        terms = honest(self, batch, step)
        return terms | {"total": terms["total"] * math.nan}

    monkeypatch.setattr(Autoencoding, "forward", broken)
    assert run_fit(store, out, "--stage", "1", "--steps", "3", "--resume") == 2
    assert "the loss is not finite at step 2" in capsys.readouterr().err
    assert (out / "autoencoder.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere", "--out", "x", "--preset", "tiny"], "nowhere"),
        (["STORE", "--out", "OUT", "--preset", "small"], "prepare it with --preset small"),
    ],
)
def test_an_unusable_store_fails_with_one_line(
    store: Path,
    tmp_path: Path,
    arguments: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = {
        "STORE": str(store),
        "OUT": str(tmp_path / "out"),
        "nowhere": str(tmp_path / "nowhere"),
    }
    assert fit.main([places.get(argument, argument) for argument in arguments]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "option",
    [
        ["--batch", "3"],
        ["--batch", "6", "--devices", "2"],
        ["--minutes", "0"],
        ["--minutes", "60,60,60,60,60"],
        ["--preset", "huge"],
        ["--stage", "9"],
        ["--init-from", "x", "--pretrained"],
    ],
)
def test_bad_options_exit_with_2(
    option: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        fit.main([str(tmp_path), "--out", str(tmp_path / "x"), *option])
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("stage", [1, 2])
def test_a_few_steps_on_one_batch_lower_the_loss(store: Path, stage: int) -> None:
    torch.manual_seed(0)
    model = Instrument(TINY)
    objective: Autoencoding | Vocoding = (
        Autoencoding(TINY, model.encoder, model.decoder)
        if stage == 1
        else Vocoding(TINY, model.vocoder, None)
    )
    pairs = ClipPairs(fit.Store.open(store), TINY.input_samples, 4, 1)
    optimiser = torch.optim.AdamW(objective.parameters(), lr=3e-3)
    losses = []
    for step in range(25):
        terms = objective(pairs[0], step)
        optimiser.zero_grad()
        terms["total"].backward()
        optimiser.step()
        losses.append(float(terms["total"].detach()))
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


def test_the_decoder_state_is_carried_over_from_the_previous_batch(store: Path) -> None:
    model = Instrument(TINY)
    objective = Autoencoding(TINY, model.encoder, model.decoder)
    pairs = ClipPairs(fit.Store.open(store), TINY.input_samples, 8, 2)
    objective(pairs[0], 1)
    carried = objective.carried
    assert carried is not None
    start = objective._initial_state(16)["decoder.lstm.hidden"]
    kept = [torch.equal(a, b) for a, b in zip(start, carried["decoder.lstm.hidden"], strict=True)]
    assert any(kept)
    assert not all(kept)
    assert all(keep or not row.any() for keep, row in zip(kept, start, strict=True)), (
        "an item either goes on or starts in silence"
    )


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_vocoder_trains_on_any_share_of_decoded_images(store: Path, share: float) -> None:
    torch.manual_seed(0)
    model = Instrument(TINY)
    objective = Vocoding(TINY, model.vocoder, model, decoded_share=share)
    pairs = ClipPairs(fit.Store.open(store), TINY.input_samples, 1, 1)
    for step in range(4):
        terms = objective(pairs[0], step)
        assert torch.isfinite(terms["total"])
    terms["total"].backward()
    assert all(p.grad is None for p in model.decoder.parameters())
    assert any(p.grad is not None for p in model.vocoder.parameters())


def test_a_run_can_begin_with_the_weights_of_another(store: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert run_fit(store, first, "--stage", "1", "--steps", "2") == 0
    assert run_fit(store, first, "--stage", "2", "--steps", "2") == 0
    begin = ["--stage", "2", "--steps", "1", "--init-from", str(first)]
    assert run_fit(store, second, *begin, "--learning-rate", "1e-30") == 0
    mine, seen = checkpoint.load_instrument(second)
    theirs, _ = checkpoint.load_instrument(first)
    assert seen["autoencoder"]["from"] == "first" and seen["autoencoder"]["steps"] == 0
    assert seen["vocoder"]["steps"] == 1
    torch.testing.assert_close(mine.state_dict(), theirs.state_dict())
    assert run_fit(store, second, "--stage", "1", "--steps", "1") == 0, "which is there untrained"


def test_a_frozen_encoder_stays_unchanged_while_the_decoder_learns(
    store: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert run_fit(store, first, "--stage", "1", "--steps", "1") == 0
    assert run_fit(store, first, "--stage", "2", "--steps", "1") == 0
    begin = ["--stage", "1", "--init-from", str(first), "--frozen-encoder"]
    assert run_fit(store, second, *begin, "--steps", "2") == 0
    before, after = (load_file(run / "autoencoder.safetensors") for run in (first, second))
    encoder = [name for name in before if name.startswith("encoder.")]
    assert all(torch.equal(before[name], after[name]) for name in encoder)
    assert not torch.equal(before["decoder.widen.weight"], after["decoder.widen.weight"])


@pytest.mark.parametrize(
    ("first", "then", "words"),
    [
        (["--frozen-encoder"], [], "was trained with --frozen-encoder"),
        ([], ["--frozen-encoder"], "was trained without --frozen-encoder"),
    ],
)
def test_resuming_needs_the_same_frozen_encoder_option(
    store: Path,
    tmp_path: Path,
    first: list[str],
    then: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "run"
    assert run_fit(store, out, "--stage", "1", "--steps", "1", *first) == 0
    before = (out / "autoencoder.resume.safetensors").read_bytes()
    capsys.readouterr()
    assert run_fit(store, out, "--stage", "1", "--steps", "2", "--resume", *then) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert (out / "autoencoder.resume.safetensors").read_bytes() == before
    assert run_fit(store, out, "--stage", "1", "--steps", "2", "--resume", *first) == 0


@pytest.mark.parametrize("more", [[], ["--resume"]])
def test_a_run_that_has_begun_refuses_other_initial_weights(
    store: Path, tmp_path: Path, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert run_fit(store, out, "--stage", "2", "--steps", "1") == 0
    before = (out / "vocoder.safetensors").read_bytes()
    capsys.readouterr()
    assert run_fit(store, out, "--stage", "2", "--init-from", str(out), *more) == 2
    error = capsys.readouterr().err
    assert "already holds a trained vocoder, and --init-from begins a new run" in error
    assert error.count("\n") == 1
    assert (out / "vocoder.safetensors").read_bytes() == before


def test_missing_initial_weights_fail_and_leave_no_run(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert run_fit(store, out, "--init-from", str(tmp_path / "nowhere")) == 2
    assert "nowhere" in capsys.readouterr().err
    assert not out.exists()
