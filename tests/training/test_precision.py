"""bfloat16 where it pays, exact features everywhere."""

from __future__ import annotations

import pytest
import torch

from model.config import PRESETS
from model.features import LogMelImage
from training.precision import exact_features, precision_for


@pytest.mark.parametrize(
    ("gpu", "processor", "expected"),
    [
        (True, False, "bf16-mixed"),
        (False, True, "bf16-mixed"),
        (False, False, "32-true"),
    ],
)
def test_auto_takes_what_the_machine_has(
    gpu: bool, processor: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: processor)
    assert precision_for("auto") == expected
    assert precision_for("32") == "32-true"
    assert precision_for("bf16") == "bf16-mixed"


def test_features_are_exact_inside_mixed_precision() -> None:
    config = PRESETS["tiny"].features
    features = LogMelImage(config)
    audio = 0.1 * torch.randn(1, 4 * config.hop_samples + config.context_samples)
    expected = features(audio)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(exact_features(features, audio), expected)
