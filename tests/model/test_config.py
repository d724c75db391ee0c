"""Presets are consistent, and saved configurations are loaded unchanged or refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from model.config import PRESETS, ConfigError, ModelConfig, preset
from model.instrument import Instrument

LARGEST_BUNDLE_PARAMETERS = 18_000_000


@pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS)
def test_a_configuration_survives_a_round_trip(config: ModelConfig) -> None:
    assert ModelConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS)
def test_a_preset_fits_into_a_bundle(config: ModelConfig) -> None:
    count = sum(parameter.numel() for parameter in Instrument(config).parameters())
    assert count <= LARGEST_BUNDLE_PARAMETERS


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="no preset 'huge'; choose one of base, full, small"):
        preset("huge")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("clip_frames", 127, "not a whole number of ticks"),
        ("features", replace(PRESETS["tiny"].features, mel_bins=30), "do not divide into bands"),
        ("vocoder", replace(PRESETS["tiny"].vocoder, spectra_per_frame=3), "does not divide"),
        ("vocoder", replace(PRESETS["tiny"].vocoder, window_samples=500), "not a multiple"),
        ("decoder", replace(PRESETS["tiny"].decoder, widths=(8, 8)), "decoder widths double"),
        ("decoder", replace(PRESETS["tiny"].decoder, conductor_units=8), "follows the phase code"),
    ],
)
def test_inconsistent_numbers_are_refused(field: str, value: object, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        replace(PRESETS["tiny"], **{field: value})


@pytest.mark.parametrize("change", [{"surprise": 1}, {"encoder": {"widths": 3, "no": 1}}])
def test_a_configuration_of_another_version_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="does not fit this version"):
        ModelConfig.from_dict(PRESETS["tiny"].to_dict() | change)
