"""Training can begin with exactly the weights of a bundle or a run."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from export import __main__ as export
from export.bundle.archive import read_bundle, write_bundle
from export.bundle.format import Bundle, Dimension, StyleStatistics
from export.bundle_weights import NOT_IN_BUNDLES
from export.card import Card
from export.contents import make_manifest
from export.graphs.encoder_decoder import decoder_graph, encoder_graph
from export.graphs.prior import prior_graph
from export.graphs.rounding import round_weights, store_half
from model import checkpoint
from model.checkpoint import CheckpointError
from model.config import PRESETS, ModelConfig
from model.instrument import Instrument
from model.prior import Prior, encoder_digest
from tests import mini_bundle
from tests.training.made_up_store import make_store
from training.fit import __main__ as fit
from training.fit.init_from import load_initial_prior, load_initial_weights

TINY = PRESETS["tiny"]

FEW_STEPS = ["--steps", "2", "--batch", "4", "--threads", "1"]

MOST_BYTES = 38_000_000
"""A shipped bundle has at most 40 MB, decks included; ten decks of a minute have under 2 MB."""


def seen_music(config: ModelConfig, seed: int = 0) -> Instrument:
    """An untrained model whose batch norms have running statistics."""
    torch.manual_seed(seed)
    model = Instrument(config)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2.0)
    return model.eval()


def write(path: Path, model: Instrument) -> Path:
    """Write the bundle of a model as export does, without decks and the parity check."""
    dims = model.config.encoder.style_dims
    bundle = Bundle(
        manifest=make_manifest(model, Card(name="test", licence="CC0")),
        encoder_onnx=store_half(encoder_graph(model)),
        decoder_onnx=store_half(decoder_graph(model)),
        latents=StyleStatistics(*(np.zeros(dims), np.eye(dims), np.ones(dims))),
        dimensions=tuple(Dimension(index) for index in range(dims)),
        decks={},
    )
    write_bundle(path, bundle)
    return path


def save_run(run: Path, model: Instrument) -> Path:
    """Save the model as a run of zero steps."""
    checkpoint.save_config(run, model.config)
    for part in checkpoint.NEEDED_TO_PLAY:
        checkpoint.save_part(run, part, checkpoint.modules_of(model, part), {"steps": 0})
    return run


def weights_of(model: Instrument) -> dict[str, Tensor]:
    """A copy of all trained weights."""
    state = model.state_dict()
    return {n: v.clone() for n, v in state.items() if not n.endswith(NOT_IN_BUNDLES)}


def assert_same(model: Instrument, expected: dict[str, Tensor]) -> None:
    found = weights_of(model)
    assert found.keys() == expected.keys()
    different = [name for name, value in found.items() if not torch.equal(value, expected[name])]
    assert not different


@pytest.fixture(scope="module")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("bundle") / "tiny.bundle", rounded("tiny"))


def rounded(name: str) -> Instrument:
    model = seen_music(PRESETS[name])
    round_weights(model)
    return model


def test_a_bundle_gives_the_rounded_weights(tiny_bundle: Path) -> None:
    other = seen_music(TINY, seed=1)
    load_initial_weights(tiny_bundle, other)
    assert_same(other, weights_of(rounded("tiny")))
    for name, value in weights_of(seen_music(TINY)).items():
        torch.testing.assert_close(other.state_dict()[name], value, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    "name", ["small", *(pytest.param(n, marks=pytest.mark.long) for n in ("seed", "base"))]
)
def test_the_weights_of_every_preset_survive_a_small_bundle(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "model.bundle", rounded(name))
    assert path.stat().st_size < MOST_BYTES
    other = seen_music(PRESETS[name], seed=1)
    load_initial_weights(path, other)
    assert_same(other, weights_of(rounded(name)))


def test_a_run_gives_the_unrounded_weights(tmp_path: Path) -> None:
    model = seen_music(TINY)
    other = seen_music(TINY, seed=1)
    load_initial_weights(save_run(tmp_path, model), other)
    assert_same(other, weights_of(model))


def test_a_half_trained_run_is_refused_and_nothing_is_loaded(tmp_path: Path) -> None:
    model, other = seen_music(TINY), seen_music(TINY, seed=1)
    checkpoint.save_config(tmp_path, TINY)
    part = checkpoint.NEEDED_TO_PLAY[0]
    checkpoint.save_part(tmp_path, part, checkpoint.modules_of(model, part), {})
    before = weights_of(other)
    with pytest.raises(CheckpointError, match="has no vocoder yet"):
        load_initial_weights(tmp_path, other)
    assert_same(other, before)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda: PRESETS["small"], "has preset 'tiny', but the model has 'small'"),
        (
            lambda: replace(TINY, features=replace(TINY.features, sample_rate_hz=22050)),
            "sample_rate_hz 16000",
        ),
        (lambda: replace(TINY, decoder=replace(TINY.decoder, lstm_units=48)), "lstm.weight_ih_l0'"),
    ],
)
def test_weights_of_another_model_are_refused(tiny_bundle: Path, model: object, words: str) -> None:
    assert callable(model)
    other = Instrument(model())
    before = weights_of(other)
    with pytest.raises(CheckpointError, match=re.escape(words)) as caught:
        load_initial_weights(tiny_bundle, other)
    assert "\n" not in str(caught.value)
    assert_same(other, before)


def test_a_bundle_without_weight_names_is_refused_with_advice_to_export_again(
    tiny_bundle: Path, tmp_path: Path
) -> None:
    bundle, old = read_bundle(tiny_bundle), tmp_path / "old.bundle"
    write_bundle(old, replace(bundle, decoder_onnx=mini_bundle.decoder_onnx()))
    with pytest.raises(
        CheckpointError, match=r"lacks the weights 'decoder\..*export its run again"
    ):
        load_initial_weights(old, Instrument(TINY))


@pytest.mark.parametrize(
    ("contents", "words"), [(None, "No such file"), (b"nothing", "no complete bundle")]
)
def test_a_missing_or_invalid_bundle_is_refused_by_name(
    tmp_path: Path, contents: bytes | None, words: str
) -> None:
    path = tmp_path / "x.bundle"
    if contents is not None:
        path.write_bytes(contents)
    with pytest.raises(CheckpointError, match=rf"x\.bundle.*{words}"):
        load_initial_weights(path, Instrument(TINY))


def test_the_prior_is_loaded_with_the_weights_and_belongs_to_the_encoder(tmp_path: Path) -> None:
    model = rounded("tiny")
    torch.manual_seed(2)
    prior = Prior(TINY).eval()
    round_weights(prior)
    run = save_run(tmp_path / "run", model)
    checkpoint.save_part(run, "prior", {"prior": prior}, {"steps": 5})
    bundle = write(tmp_path / "with.bundle", model)
    write_bundle(bundle, replace(read_bundle(bundle), prior_onnx=store_half(prior_graph(prior))))
    for source in (run, bundle):
        found = load_initial_prior(source, model)
        assert found is not None
        assert torch.equal(found.encoder_digest, encoder_digest(model.encoder))
        for name, weight in prior.named_parameters():
            assert torch.equal(found.get_parameter(name), weight), name


def test_a_missing_or_outdated_prior_is_not_loaded(
    tiny_bundle: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = rounded("tiny")
    assert load_initial_prior(tiny_bundle, model) is None
    assert load_initial_prior(save_run(tmp_path / "run", model), model) is None
    assert load_initial_prior(tiny_bundle, Instrument(PRESETS["seed"])) is None, "no structure"
    assert not caplog.records
    other = tmp_path / "other.bundle"
    write_bundle(other, replace(read_bundle(tiny_bundle), prior_onnx=mini_bundle.prior_onnx()))
    assert load_initial_prior(other, model) is None
    assert "other.bundle: its prior is of another version" in caplog.text


def test_a_run_begun_with_a_prior_exports_it_until_its_encoder_learns(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = make_store(tmp_path / "store").path
    first = save_run(tmp_path / "first", rounded("tiny"))
    checkpoint.save_part(first, "prior", {"prior": Prior(TINY)}, {"steps": 5})

    def go_on(name: str, *options: str) -> Path:
        out = tmp_path / name
        begin = ["--init-from", str(first), "--preset", "tiny", "--out", str(out)]
        assert fit.main([str(store), *begin, *FEW_STEPS, *options]) == 0
        assert export.main([str(out), "-o", str(tmp_path / f"{name}.bundle")]) == 0
        return tmp_path / f"{name}.bundle"

    frozen = go_on("frozen", "--stage", "1", "--frozen-encoder")
    assert read_bundle(frozen).prior_onnx is not None
    assert not caplog.records
    learned = go_on("learned", "--stage", "1")
    assert read_bundle(learned).prior_onnx is None
    assert "trained with another encoder and is left out" in caplog.text
    run = [str(store), "--preset", "tiny", "--out", str(tmp_path / "learned"), *FEW_STEPS]
    assert fit.main([*run, "--stage", "4"]) == 0
    assert export.main([str(tmp_path / "learned"), "-o", str(learned)]) == 0
    assert read_bundle(learned).prior_onnx is not None
