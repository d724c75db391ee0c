"""The streaming decoder: blocks of any size equal the whole, and state is passed explicitly."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

from model.config import PRESETS
from model.decoder import ticks_to_frames
from model.instrument import Instrument, StreamingDecoder, excitation, reconstruct

BLOCKS_FRAMES = (1, 2, 3, 7, 64)


def inputs_for(name: str, frames: int) -> tuple[Tensor, Tensor, Tensor]:
    config = PRESETS[name]
    noise = excitation(config, 1, frames, torch.device("cpu"))
    style = torch.randn(1, config.encoder.style_dims, frames)
    return style, torch.randn(1, config.structure_dims, frames), noise


@torch.no_grad()
def play(
    player: StreamingDecoder, inputs: tuple[Tensor, Tensor, Tensor], blocks: list[int]
) -> Tensor:
    state, parts = player.initial_state(1), []
    per_frame = inputs[2].shape[2] // inputs[0].shape[2]
    for last, frames in zip(itertools.accumulate(blocks), blocks, strict=True):
        first = last - frames
        style, structure, noise = inputs
        audio, state = player(
            style[..., first:last],
            structure[..., first:last],
            noise[..., first * per_frame : last * per_frame],
            state,
        )
        parts.append(audio)
    return torch.cat(parts, dim=2)


@pytest.mark.parametrize("name", ["tiny", "small", "seed"])
@pytest.mark.parametrize("seed", range(3))
def test_chunked_equals_whole(name: str, seed: int) -> None:
    torch.manual_seed(seed)
    player = Instrument(PRESETS[name]).eval().streaming_decoder()
    blocks = [*BLOCKS_FRAMES, *BLOCKS_FRAMES]
    np.random.default_rng(seed).shuffle(blocks)
    inputs = inputs_for(name, sum(blocks))
    whole = play(player, inputs, [sum(blocks)])
    chunked = play(player, inputs, blocks)
    assert whole.shape == (1, 1, sum(blocks) * PRESETS[name].features.hop_samples)
    assert whole.abs().max() > 0.01
    loudest = max(1.0, float(whole.abs().max()))
    torch.testing.assert_close(chunked, whole, atol=1e-4 * loudest, rtol=0)


@pytest.mark.parametrize("name", ["tiny", "seed"])
@torch.no_grad()
def test_the_sound_is_that_of_the_spectra(name: str) -> None:
    torch.manual_seed(0)
    model = Instrument(PRESETS[name]).eval()
    style, structure, noise = inputs = inputs_for(name, 12)
    heard = play(model.streaming_decoder(), inputs, [5, 7])
    player, synthesis = model.spectra_decoder(), model.vocoder.synthesis
    spectra, after = player(style, structure, player.initial_state(1))
    assert set(after) == set(player.initial_state(1))
    assert all(one.shape == noise.shape for one in spectra)
    audio, _ = synthesis(spectra, noise, synthesis.initial_state(1))
    torch.testing.assert_close(audio[:, None], heard, atol=1e-4 * float(heard.abs().max()), rtol=0)


def test_the_state_keeps_its_names_and_shapes() -> None:
    player = Instrument(PRESETS["tiny"]).eval().streaming_decoder()
    before = player.initial_state(2)
    config = PRESETS["tiny"]
    noise = excitation(config, 2, 3, torch.device("cpu"))
    style = torch.randn(2, config.encoder.style_dims, 3)
    _, after = player(style, torch.randn(2, config.structure_dims, 3), noise, before)
    assert {name: value.shape for name, value in after.items()} == {
        name: value.shape for name, value in before.items()
    }


@torch.no_grad()
def test_the_decoder_is_causal() -> None:
    player = Instrument(PRESETS["tiny"]).eval().streaming_decoder()
    style, structure, noise = inputs_for("tiny", 12)
    audio, _ = player(style, structure, noise, player.initial_state(1))
    changed = style.clone()
    changed[..., 7:] += 1
    other, _ = player(changed, structure, noise, player.initial_state(1))
    heard = 7 * PRESETS["tiny"].features.hop_samples
    assert torch.equal(other[..., :heard], audio[..., :heard])
    assert not torch.equal(other[..., heard:], audio[..., heard:])


def test_ticks_are_interpolated_linearly_at_frames() -> None:
    structure = torch.tensor([[[0.0, 1.0, 3.0]]])
    frames = ticks_to_frames(structure, 2)
    torch.testing.assert_close(frames, torch.tensor([[[0.0, 0.25, 0.75, 1.5, 2.5, 3.0]]]))


def test_a_reconstruction_is_an_image_of_the_same_size() -> None:
    config = PRESETS["tiny"]
    image = torch.rand(2, 3, config.features.mel_bins, config.clip_frames) * 2 - 1
    decoded = reconstruct(Instrument(config).eval(), image)
    assert decoded.shape == image.shape
