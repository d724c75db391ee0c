"""The mini bundle of format 2 gives the spectra of a sine, in blocks as in one piece."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from export.bundle.archive import read_bundle, write_bundle
from model.config import PRESETS, ModelConfig
from model.vocoder import PhaseSynthesis, Spectra
from tests import mini_bundle

SHARE = 0.8


def config() -> ModelConfig:
    """A configuration with the mini bundle's window and hops."""
    tiny = PRESETS["tiny"]
    windows = (mini_bundle.WINDOW, 2 * mini_bundle.WINDOW, 4 * mini_bundle.WINDOW)
    return replace(
        tiny,
        features=replace(tiny.features, hop_samples=mini_bundle.HOP, window_samples=windows),
        vocoder=replace(
            tiny.vocoder,
            window_samples=mini_bundle.WINDOW,
            spectra_per_frame=mini_bundle.SPECTRA,
        ),
    )


def played(blocks: list[int]) -> Spectra:
    """The spectra of a constant style and random levels, in blocks of that many frames."""
    frames, generator = sum(blocks), np.random.default_rng(0)
    style = np.full((1, mini_bundle.STYLE_DIMS, frames), SHARE, np.float32)
    structure = generator.uniform(0.5, 1, (1, mini_bundle.STRUCTURE_DIMS, frames))
    session = onnxruntime.InferenceSession(mini_bundle.spectra_decoder_onnx())
    state, parts, first = np.zeros((1, 1, 1), np.float32), [], 0
    for block in blocks:
        now = slice(first, first + block)
        feed = {
            "style": style[:, :, now],
            "structure": structure[:, :, now].astype(np.float32),
            "level": state,
        }
        *spectra, state = session.run(None, feed)
        parts.append(spectra)
        first += block
    whole = (np.concatenate(one, axis=2) for one in zip(*parts, strict=True))
    return Spectra(*(torch.from_numpy(one) for one in whole))


def test_blocks_equal_the_whole() -> None:
    for some, other in zip(played([100]), played([1, 2, 60, 7, 30]), strict=True):
        torch.testing.assert_close(some, other, atol=1e-6, rtol=0)


def test_its_spectra_are_those_of_a_sine() -> None:
    synthesis = PhaseSynthesis(config())
    spectra = played([300])
    assert spectra.log_magnitude.shape[1] == mini_bundle.WINDOW_BINS
    audio, _ = synthesis(spectra, torch.zeros_like(spectra.spread), synthesis.initial_state(1))
    sound = audio[0, mini_bundle.WINDOW :].numpy()
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(sound.size)))
    frequency_hz = 4 * SHARE * mini_bundle.RATE_HZ / mini_bundle.HOP
    loudest_hz = spectrum.argmax() * mini_bundle.RATE_HZ / sound.size
    assert loudest_hz == pytest.approx(frequency_hz, abs=5)
    assert np.sqrt(2 * np.mean(sound**2)) == pytest.approx(0.3 * 0.75, rel=0.2)


def test_it_survives_writing_and_reading(tmp_path: Path) -> None:
    path = tmp_path / "mini.bundle"
    write_bundle(path, mini_bundle.spectra_bundle())
    found = read_bundle(path)
    assert found.manifest.gives_spectra
    assert found.decoder_onnx == mini_bundle.spectra_decoder_onnx()
