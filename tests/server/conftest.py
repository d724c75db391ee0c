"""Files that several server tests read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from export.bundle.archive import write_bundle
from tests import mini_bundle


@pytest.fixture(scope="session")
def bundle_with_prior(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mini bundle with a prior over structure."""
    path = tmp_path_factory.mktemp("bundle") / "prior.bundle"
    write_bundle(path, mini_bundle.bundle(prior_onnx=mini_bundle.prior_onnx()))
    return path


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of noise as a WAV file."""
    path = tmp_path_factory.mktemp("media") / "noise.wav"
    generator = np.random.default_rng(5)
    soundfile.write(path, 0.1 * generator.standard_normal(22_050).clip(-3, 3), 22_050)
    return path
