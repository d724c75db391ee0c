"""Temporary evaluation mode changes no module's mode."""

from __future__ import annotations

import pytest
from torch import nn

from model.modes import evaluating


def test_frozen_parts_stay_frozen_and_others_train_on() -> None:
    model = nn.Sequential(nn.BatchNorm1d(2), nn.BatchNorm1d(2))
    model[0].eval()
    with evaluating(model):
        assert not any(module.training for module in model.modules())
    assert model.training
    assert not model[0].training
    assert model[1].training


def test_modes_come_back_after_an_error() -> None:
    model = nn.Sequential(nn.BatchNorm1d(2))
    with pytest.raises(ZeroDivisionError), evaluating(model):
        _ = 1 / 0
    assert model[0].training
