"""A style space turned: the same sound for the same music, and colours along its first axes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from model.config import PRESETS, TAUGHT_KNOBS
from model.contrast import BEGINS_AS, MOST_GAIN
from model.instrument import Instrument
from tests.training.made_up_store import make_store
from training.style_basis import (
    _colour_moves,
    change_style_basis,
    colour_basis,
    lay_colours_first,
)


def model_of(preset: str) -> Instrument:
    torch.manual_seed(0)
    return Instrument(PRESETS[preset]).eval()


@pytest.mark.parametrize("preset", ["tiny", "seed"])
def test_in_another_basis_it_plays_the_same(preset: str) -> None:
    model = model_of(preset)
    dims = model.config.encoder.style_dims
    image = torch.rand(2, 3, model.config.features.mel_bins, model.config.clip_frames) - 0.8
    structure = torch.randn(2, model.config.structure_dims, 8)

    def played() -> tuple[torch.Tensor, torch.Tensor]:
        style = model.encoder(image).style_mean
        held = style[:, :, None].expand(-1, -1, 8)
        return style, model.decoder(held, structure, model.decoder.initial_state(2))[0]

    with torch.no_grad():
        style, before = played()
        basis = torch.linalg.qr(torch.randn(dims, dims))[0] * torch.linspace(0.5, 2, dims)
        change_style_basis(model, basis)
        turned, after = played()
    torch.testing.assert_close(turned, style @ basis.T, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(after, before, atol=1e-5, rtol=1e-4)


def test_the_basis_has_the_moves_first_and_a_spread_of_one() -> None:
    torch.manual_seed(1)
    mixing = torch.randn(12, 12)
    covariance = mixing @ mixing.T / 12
    moves = torch.linalg.qr(torch.randn(12, 12))[0][:7] * 3 + 0.1 * torch.randn(7, 12)
    basis = colour_basis(moves, covariance)
    taught, rest = basis[:7], basis[7:]
    torch.testing.assert_close((taught @ covariance * taught).sum(dim=1), torch.ones(7))
    unit = torch.nn.functional.normalize(taught)
    torch.testing.assert_close(unit @ unit.T, torch.eye(7), atol=1e-5, rtol=0)
    torch.testing.assert_close(rest @ unit.T, torch.zeros(5, 7), atol=1e-5, rtol=0)
    torch.testing.assert_close(rest @ rest.T, torch.eye(5), atol=1e-5, rtol=0)
    assert (torch.nn.functional.cosine_similarity(unit, moves) > 0.95).all()


def test_contrast_begins_where_its_knobs_lie(tmp_path: Path) -> None:
    store, model = make_store(tmp_path), model_of("tiny")
    gains = model.decoder.contrast.gains
    nn.init.zeros_(gains.weight)
    lay_colours_first(model, store, batches=1, clips=4)
    weight = gains.weight.view(len(MOST_GAIN), -1, gains.in_channels)
    for knob, (kind, gain) in BEGINS_AS.items():
        assert (weight[kind, :, TAUGHT_KNOBS.index(knob)] == gain).all()
    assert gains.weight.count_nonzero() == len(BEGINS_AS) * weight.shape[1]


def test_coloured_clips_lie_along_the_first_dimensions(tmp_path: Path) -> None:
    store, model = make_store(tmp_path), model_of("tiny")
    lay_colours_first(model, store, batches=2, clips=4)
    styles, moves = _colour_moves(model, store, batches=2, clips=4)
    torch.testing.assert_close(styles.std(dim=0)[:7], torch.ones(7), atol=1e-2, rtol=0)
    along = moves.diagonal() / moves.abs().amax(dim=1)
    assert (along > 0).all(), "each colour moves its own dimension up"
