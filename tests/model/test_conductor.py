"""The conductor steps at sixteenths of the clip, wherever the playhead is, and only there."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor

from export.graphs.encoder_decoder import decoder_graph
from model.conductor import SIGN, Conductor
from model.config import PRESETS
from model.decoder import ticks_to_frames
from model.instrument import Instrument
from model.phase_code import phase_code

CONFIG = PRESETS["seed"]
STYLE_DIMS, UNITS = 6, 8
CELL = "decoder.conductor.cell"


@pytest.fixture
def conductor() -> Conductor:
    torch.manual_seed(0)
    return Conductor(STYLE_DIMS, UNITS).eval()


def clip_code(passes: int = 1) -> Tensor:
    """The phase code of a looped clip in each frame (1, S, N)."""
    return ticks_to_frames(phase_code(CONFIG.clip_ticks)[None], 2).repeat(1, 1, passes)


@torch.no_grad()
def memories(conductor: Conductor, code: Tensor, style: Tensor | None = None) -> Tensor:
    """The conductor's cell after every frame (N, units)."""
    state, cells = conductor.initial_state(1), []
    style = torch.randn(1, STYLE_DIMS, code.shape[2]) if style is None else style
    for frame in range(code.shape[2]):
        one = slice(frame, frame + 1)
        _, state = conductor(style[..., one], code[..., one], state)
        cells.append(state[CELL][0, 0])
    return torch.stack(cells)


def steps_in(cells: Tensor) -> list[int]:
    """The frames at which the memory changes."""
    return (1 + (cells.diff(dim=0) != 0).any(dim=1).nonzero()[:, 0]).tolist()


def test_the_memory_steps_sixteen_times_a_clip_and_is_held_exactly_in_between(
    conductor: Conductor,
) -> None:
    cells = memories(conductor, clip_code(passes=2))
    assert cells[0].abs().max() > 0  # the first frame is a step
    steps = steps_in(cells)
    assert len(steps) == 31
    assert set(np.diff(steps)) <= {7, 8, 9}


def test_a_frozen_playhead_holds_the_memory_while_style_moves(conductor: Conductor) -> None:
    frozen = clip_code()[..., 20:21].expand(-1, -1, 50)
    assert steps_in(memories(conductor, frozen)) == []


def test_the_conductor_steps_backwards_too(conductor: Conductor) -> None:
    assert len(steps_in(memories(conductor, clip_code().flip(2)))) == 15


@torch.no_grad()
def test_a_style_change_takes_effect_at_the_next_step(conductor: Conductor) -> None:
    style = torch.zeros(1, STYLE_DIMS, CONFIG.clip_frames)
    moved = style.clone()
    moved[..., 30:] = 1
    one, other = (memories(conductor, clip_code(), s) for s in (style, moved))
    differs = (one != other).any(dim=1).nonzero()[0].item()
    assert differs == 33


def test_training_does_not_change_the_weights_that_hold_the_memory(conductor: Conductor) -> None:
    weight = conductor.lstm.lstm.get_parameter("weight_ih_l0")
    before = weight[: 2 * UNITS, -1].clone()
    code = clip_code()
    plan, _ = conductor(torch.randn(1, STYLE_DIMS, code.shape[2]), code, conductor.initial_state(1))
    plan.square().sum().backward()
    assert weight.grad is not None
    assert weight.grad.abs().max() > 0
    assert torch.equal(weight.grad[: 2 * UNITS, -1], torch.zeros_like(before))
    assert (before.abs() == before.half().float().abs()).all()  # half precision keeps them too


@torch.no_grad()
def test_the_exported_graph_steps_in_the_same_frames_as_the_model() -> None:
    """With the true phase code, in blocks; ``measure_parity`` uses random ones."""
    torch.manual_seed(1)
    model = Instrument(CONFIG).eval()
    session = onnxruntime.InferenceSession(decoder_graph(model))
    player, code = model.spectra_decoder(), clip_code()
    style = torch.randn(1, CONFIG.encoder.style_dims, 1).expand(-1, -1, CONFIG.clip_frames)
    expected, _ = player(style, code, player.initial_state(1))
    state = {name: value.numpy() for name, value in player.initial_state(1).items()}
    parts, first = [], 0
    for frames in (1, 6, 2, 19, 100):
        last = first + frames
        feed = {
            "style": style[..., first:last].numpy(),
            "structure": code[..., first:last].numpy(),
        }
        results = session.run(None, feed | state)
        state = dict(zip(state, results[len(expected) :], strict=True))
        parts.append(results[: len(expected)])
        first = last
    assert first == CONFIG.clip_frames
    for blocks, whole in zip(zip(*parts, strict=True), expected, strict=True):
        assert np.abs(np.concatenate(blocks, axis=2) - whole.numpy()).max() < 1e-4
    assert state[SIGN].shape == (1, 1)


def test_only_the_preset_without_structure_has_a_conductor() -> None:
    for name in ("tiny", "small", "base"):
        states = Instrument(PRESETS[name]).streaming_decoder().initial_state(1)
        assert not any(state.startswith("decoder.conductor") for state in states)
    assert SIGN in Instrument(CONFIG).streaming_decoder().initial_state(1)
