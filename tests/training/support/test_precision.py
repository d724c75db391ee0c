"""bfloat16 where it pays, exact features everywhere."""

from __future__ import annotations

import pytest
import torch
from lightning.fabric import Fabric
from lightning.fabric.plugins.precision import Precision

from model.config import PRESETS
from model.features import LogMelImage
from training.support.precision import LayersInBfloat16, exact_features, precision_for


@pytest.mark.parametrize(
    ("gpu", "processor", "expected"),
    [
        (True, False, LayersInBfloat16),
        (False, True, LayersInBfloat16),
        (False, False, Precision),
    ],
)
def test_auto_takes_what_the_machine_has(
    gpu: bool, processor: bool, expected: type[Precision], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: processor)
    assert type(precision_for("auto")) is expected
    assert type(precision_for("32")) is Precision
    assert type(precision_for("bf16")) is LayersInBfloat16


class Seen(torch.nn.Module):
    """Keeps its input."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(3, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.got = x
        self.type_of_layer = self.layer(x).dtype
        return self.layer(x).sum()


def test_audio_reaches_the_objective_unrounded() -> None:
    fabric = Fabric(accelerator="cpu", devices=1, plugins=LayersInBfloat16())
    seen = Seen()
    audio = torch.rand(2, 3)
    fabric.setup_module(seen)(audio)
    assert torch.equal(seen.got, audio)
    assert seen.type_of_layer == torch.bfloat16


def test_features_are_exact_inside_mixed_precision() -> None:
    config = PRESETS["tiny"].features
    features = LogMelImage(config)
    audio = 0.1 * torch.randn(1, 4 * config.hop_samples + config.context_samples)
    expected = features(audio)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(exact_features(features, audio), expected)
