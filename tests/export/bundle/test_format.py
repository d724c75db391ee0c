"""The bands of structure, by the model's own mel filters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.config import preset
from model.features import mel_filters
from tests import mini_bundle


@pytest.mark.parametrize("name", ["small", "full", "base"])
def test_the_edges_of_bands_lie_between_their_mel_filters(name: str) -> None:
    config = preset(name)
    features = config.features
    edges = replace(
        mini_bundle.manifest(),
        sample_rate_hz=features.sample_rate_hz,
        mel_bins=features.mel_bins,
        structure_bands=config.bands,
        structure_channels=1,
        structure_dims=config.bands,
        lowest_hz=features.lowest_hz,
        highest_hz=features.top_hz,
    ).band_edges_hz
    window = 1 << 16
    filters = mel_filters(features, window).numpy()
    peaks_hz = filters.reshape(-1, features.mel_bins).argmax(axis=0) * (
        features.sample_rate_hz / window
    )
    in_band = np.searchsorted(edges, peaks_hz) - 1
    expected = np.arange(features.mel_bins) * config.bands // features.mel_bins
    np.testing.assert_array_equal(in_band, expected)
