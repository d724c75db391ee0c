"""A run with a prior becomes a bundle with one; a run without a prior does not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from export import __main__ as command
from export.bundle.archive import read_bundle, write_bundle
from export.bundle.format import BundleError
from export.graphs import prior as prior_graph
from export.graphs.parity import LARGEST_DIFFERENCE, ParityError
from export.graphs.prior import add_prior
from export.graphs.rounding import round_weights
from model import checkpoint
from model.config import PRESETS
from model.instrument import Instrument
from model.prior import Prior, encoder_digest
from tests import mini_bundle
from tests.export.test_export import make_run

PROGRESS = {"steps": 3, "seconds": 1}


def save_prior(run: Path, encoder_of: Instrument | None = None) -> Prior:
    """An untrained prior of the run's encoder, or of another."""
    config = checkpoint.load_config(run)
    model = encoder_of or checkpoint.load_instrument(run)[0]
    prior = Prior(config)
    prior.encoder_digest.copy_(encoder_digest(model.encoder))
    checkpoint.save_part(run, "prior", {"prior": prior}, PROGRESS)
    return prior


def test_a_runs_prior_goes_into_the_bundle(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, out = make_run(tmp_path / "run"), tmp_path / "out.bundle"
    prior = save_prior(run)
    assert command.main([str(run), "-o", str(out)]) == 0
    assert "prior" in capsys.readouterr().out
    bundle = read_bundle(out)
    assert bundle.manifest.parity["prior"] <= LARGEST_DIFFERENCE
    assert bundle.manifest.training["prior"] == PROGRESS
    assert bundle.prior_onnx is not None
    assert len(bundle.prior_onnx) < 2.2 * sum(p.numel() for p in prior.parameters())
    round_weights(prior)
    assert prior_graph.measure_prior(prior, bundle.prior_onnx) <= LARGEST_DIFFERENCE


def test_a_run_without_one_leaves_the_bundle_as_it_was(tmp_path: Path) -> None:
    run, bundle = make_run(tmp_path / "run"), mini_bundle.bundle()
    assert add_prior(bundle, run, checkpoint.load_instrument(run)[0]) is bundle


def test_a_prior_of_another_encoder_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    torch.manual_seed(1)
    save_prior(run, encoder_of=Instrument(PRESETS["tiny"]))
    with pytest.raises(checkpoint.CheckpointError, match=r"another auto.*--stage 4 --resume"):
        add_prior(mini_bundle.bundle(), run, checkpoint.load_instrument(run)[0])


def test_a_graph_that_draws_something_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path / "run")
    save_prior(run)
    other = prior_graph.prior_graph(Prior(PRESETS["tiny"]))
    monkeypatch.setattr(prior_graph, "prior_graph", lambda prior: other)
    with pytest.raises(ParityError, match="prior differs by"):
        add_prior(mini_bundle.bundle(), run, checkpoint.load_instrument(run)[0])


def test_a_bundle_comes_back_with_and_without_its_prior(tmp_path: Path) -> None:
    for prior_onnx in (None, mini_bundle.prior_onnx()):
        write_bundle(tmp_path / "x.bundle", mini_bundle.bundle(prior_onnx=prior_onnx))
        assert read_bundle(tmp_path / "x.bundle").prior_onnx == prior_onnx


def test_a_prior_that_is_no_graph_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"prior\.onnx"):
        write_bundle(tmp_path / "x.bundle", mini_bundle.bundle(prior_onnx=b"no graph"))
