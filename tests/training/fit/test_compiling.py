"""Networks are compiled on request; without a compiler, training goes on with a warning."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from model.config import PRESETS
from model.instrument import Instrument
from training.fit import compiling
from training.fit.compiling import compile_networks

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[nn.Module]]:
    """The modules that were compiled, by nobody."""
    modules: list[nn.Module] = []
    monkeypatch.setattr(nn.Module, "compile", lambda self: modules.append(self))
    monkeypatch.setattr(compiling, "try_compiler", lambda device: None)
    with torch._dynamo.config.patch(suppress_errors=False):
        yield modules


@pytest.mark.parametrize(
    ("choice", "device", "expected"),
    [("auto", CPU, False), ("auto", GPU, True), ("on", CPU, True), ("off", GPU, False)],
)
def test_auto_compiles_on_a_gpu(
    choice: str, device: torch.device, expected: bool, compiled: list[nn.Module]
) -> None:
    model = Instrument(PRESETS["tiny"])
    names = list(model.state_dict())
    compile_networks(model, choice, device)
    assert bool(compiled) == expected
    assert (model.encoder.trunk in compiled) == expected
    assert list(model.state_dict()) == names


def test_no_compiler_is_said_in_one_line(
    compiled: list[nn.Module], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing(device: torch.device) -> None:
        raise RuntimeError("no working compiler\nand a long story")

    monkeypatch.setattr(compiling, "try_compiler", missing)
    with caplog.at_level(logging.WARNING):
        compile_networks(Instrument(PRESETS["tiny"]), "on", CPU)
    assert caplog.messages == ["training uncompiled: no working compiler"]
    assert not compiled
