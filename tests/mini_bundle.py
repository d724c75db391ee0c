"""A bundle small enough to build in each test, with graphs whose output is predictable.

The decoder is one sine: style sets its frequency and structure its level, noise is added a hundred
times quieter, phase and level are stream states, and a third state delays everything by
``latency_samples``. The encoder measures level per tick and brightness per window. Nothing is
trained, and everything streams.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from export.bundle.format import Bundle, BundleDeck, Dimension, Manifest, StateSpec, StyleStatistics

RATE_HZ, HOP, TICK_FRAMES, CLIP_TICKS, CONTEXT = 16_000, 64, 2, 16, 128
STYLE_DIMS, CHANNELS, BANDS, BINS, SPECTRA = 4, 2, 3, 5, 2
STRUCTURE_DIMS = CHANNELS * BANDS
LATENCY = 24
CLIP_SAMPLES = CLIP_TICKS * TICK_FRAMES * HOP
DECK_TICKS = 40


def manifest(**changes: Any) -> Manifest:
    """The manifest of the mini bundle, with ``changes`` to its fields."""
    values: dict[str, Any] = {
        "name": "mini",
        "preset": "tiny",
        "sample_rate_hz": RATE_HZ,
        "hop_samples": HOP,
        "channels": 1,
        "mel_bins": 12,
        "style_dims": STYLE_DIMS,
        "structure_dims": STRUCTURE_DIMS,
        "structure_channels": CHANNELS,
        "structure_bands": BANDS,
        "frames_per_tick": TICK_FRAMES,
        "clip_samples": CLIP_SAMPLES,
        "input_samples": CLIP_SAMPLES + CONTEXT,
        "context_samples": CONTEXT,
        "clip_ticks": CLIP_TICKS,
        "spectrum_bins": BINS,
        "spectra_per_frame": SPECTRA,
        "latency_samples": LATENCY,
        "loudness_lufs": -23.0,
        "states": (
            StateSpec("phase", (1, 1, 1)),
            StateSpec("level", (1, 1, 1)),
            StateSpec("tail", (1, 1, LATENCY)),
        ),
        "has_structure": True,
        "licence": "CC0",
        "attribution": ("nobody",),
        "parity": {"chunked": 1e-6},
        "quality": {"log_mel_l1": 0.5},
    }
    return Manifest(**{**values, **changes})


def deck(slug: str, style: float, seed: int, ticks: int = DECK_TICKS) -> BundleDeck:
    """A deck of constant style and random levels."""
    generator = np.random.default_rng(seed)
    mean = np.full(STYLE_DIMS, style, np.float32)
    return BundleDeck(
        slug=slug,
        title=slug.title(),
        artist="Nobody",
        licence="CC0",
        source="made up",
        seconds=ticks * TICK_FRAMES * HOP / RATE_HZ,
        gain_db=-1.5,
        tempo_bpm=None,
        style_mean=mean,
        style_track=np.stack([mean, mean * 1.1]),
        style_ticks=np.array([8, ticks - 8], np.float32),
        structure=generator.uniform(0.2, 1.0, (STRUCTURE_DIMS, ticks)).astype(np.float16),
    )


def bundle(**changes: Any) -> Bundle:
    """A complete, consistent bundle with the decks ``low`` and ``high``."""
    values: dict[str, Any] = {
        "manifest": manifest(),
        "encoder_onnx": encoder_onnx(),
        "decoder_onnx": decoder_onnx(),
        "latents": StyleStatistics(
            mean=np.zeros(STYLE_DIMS, np.float32),
            rotation=np.eye(STYLE_DIMS, dtype=np.float32)[::-1].copy(),
            spread=np.linspace(1.0, 0.25, STYLE_DIMS, dtype=np.float32),
        ),
        "dimensions": tuple(
            Dimension(index, "brightness" if index == 0 else None) for index in range(STYLE_DIMS)
        ),
        "decks": {"low": deck("low", 0.2, 1), "high": deck("high", 0.8, 2, ticks=56)},
    }
    return Bundle(**{**values, **changes})


@cache
def decoder_onnx() -> bytes:
    """style, structure, noise, phase, level, tail -> audio, next_phase, next_level, next_tail."""
    ramp = (np.arange(1, HOP + 1, dtype=np.float32) / HOP).reshape(1, HOP, 1)
    return graph_model(
        name="mini_decoder",
        inputs={
            "style": (1, STYLE_DIMS, "frames"),
            "structure": (1, STRUCTURE_DIMS, "frames"),
            "noise": (1, BINS, "spectra"),
            "phase": (1, 1, 1),
            "level": (1, 1, 1),
            "tail": (1, 1, LATENCY),
        },
        outputs={
            "audio": (1, 1, "samples"),
            "next_phase": (1, 1, 1),
            "next_level": (1, 1, 1),
            "next_tail": (1, 1, LATENCY),
        },
        constants={
            "to_cycles": np.full((1, STYLE_DIMS), 4.0 / STYLE_DIMS, np.float32),
            "to_level": np.full((1, STRUCTURE_DIMS), 0.3 / STRUCTURE_DIMS, np.float32),
            "ramp": ramp,
            "turn": np.array([2 * np.pi], np.float32),
            "axis": np.int64(2),
            "bins_axis": np.array([1], np.int64),
            "flat": np.array([1, 1, -1], np.int64),
            "columns": np.array([1, 1, -1, 1], np.int64),
            "held": np.full((1, 1, 1, HOP // SPECTRA), 0.003, np.float32),
            "first": np.array([0], np.int64),
            "last": np.array([-1], np.int64),
            "before_tail": np.array([-LATENCY], np.int64),
            "end": np.array([2**31 - 1], np.int64),
            "time": np.array([2], np.int64),
        },
        nodes=[
            ("MatMul", "to_cycles style", "cycles"),
            ("CumSum", "cycles axis", "turned"),
            ("Add", "turned phase", "phase_end"),
            ("Sub", "phase_end cycles", "phase_start"),
            ("Mul", "ramp cycles", "within"),
            ("Add", "phase_start within", "phases"),
            ("Mul", "phases turn", "angles"),
            ("Sin", "angles", "sine"),
            ("MatMul", "to_level structure", "levels"),
            ("Concat:2", "level levels", "all_levels"),
            ("Slice", "all_levels first last time", "levels_before"),
            ("Sub", "levels levels_before", "rise"),
            ("Mul", "ramp rise", "rising"),
            ("Add", "levels_before rising", "gains"),
            ("Mul", "sine gains", "frames_of_audio"),
            ("Transpose:0,2,1", "frames_of_audio", "in_order"),
            ("Reshape", "in_order flat", "tone"),
            ("ReduceMean", "noise bins_axis", "hiss"),
            ("Reshape", "hiss columns", "hiss_columns"),
            ("Mul", "hiss_columns held", "held_hiss"),
            ("Reshape", "held_hiss flat", "quiet_hiss"),
            ("Add", "tone quiet_hiss", "now"),
            ("Concat:2", "tail now", "delayed"),
            ("Slice", "delayed first before_tail time", "audio"),
            ("Slice", "delayed before_tail end time", "next_tail"),
            ("Slice", "phase_end last end time", "phase_last"),
            ("Floor", "phase_last", "whole_turns"),
            ("Sub", "phase_last whole_turns", "next_phase"),
            ("Slice", "levels last end time", "next_level"),
        ],
    )


@cache
def encoder_onnx() -> bytes:
    """audio (1, T) -> style (1, D): level and brightness; structure (1, S, K): level per tick."""
    return graph_model(
        name="mini_encoder",
        inputs={"audio": (1, CLIP_SAMPLES + CONTEXT)},
        outputs={"style": (1, STYLE_DIMS), "structure": (1, STRUCTURE_DIMS, CLIP_TICKS)},
        constants={
            "begin": np.array([CONTEXT // 2], np.int64),
            "before": np.array([CONTEXT // 2 - 1], np.int64),
            "stop": np.array([CONTEXT // 2 + CLIP_SAMPLES], np.int64),
            "stop_before": np.array([CONTEXT // 2 + CLIP_SAMPLES - 1], np.int64),
            "time": np.array([1], np.int64),
            "ticks": np.array([1, CLIP_TICKS, TICK_FRAMES * HOP], np.int64),
            "last_axis": np.array([2], np.int64),
            "row": np.array([1, 1, CLIP_TICKS], np.int64),
            "spread_out": np.linspace(0.5, 1.5, STRUCTURE_DIMS, dtype=np.float32).reshape(1, -1, 1),
            "to_style": np.tile(np.float32([[4, 0, 1, 0], [0, 4, 0, 1]]), 2)[:, :STYLE_DIMS],
        },
        nodes=[
            ("Slice", "audio begin stop time", "clip"),
            ("Slice", "audio before stop_before time", "clip_before"),
            ("Sub", "clip clip_before", "slope"),
            ("Abs", "slope", "steepness"),
            ("Abs", "clip", "loudness"),
            ("ReduceMean", "loudness time", "mean_level"),
            ("ReduceMean", "steepness time", "mean_slope"),
            ("Concat:1", "mean_level mean_slope", "figures"),
            ("MatMul", "figures to_style", "style"),
            ("Reshape", "loudness ticks", "tick_rows"),
            ("ReduceMean", "tick_rows last_axis", "tick_levels"),
            ("Reshape", "tick_levels row", "tick_row"),
            ("Mul", "tick_row spread_out", "structure"),
        ],
    )


@cache
def prior_onnx() -> bytes:
    """The next tick is 0.9 times the last one, plus a tenth of the mean style, plus noise.

    The state counts the calls.
    """
    return graph_model(
        name="mini_prior",
        inputs={
            "structure": (1, STRUCTURE_DIMS, "ticks"),
            "style": (1, STYLE_DIMS),
            "temperature": (1, 1),
            "normal": (1, STRUCTURE_DIMS),
            "uniform": (1, 1),
            "calls": (1, 1),
        },
        outputs={"tick": (1, STRUCTURE_DIMS), "next_calls": (1, 1)},
        constants={
            "last": np.array([-1], np.int64),
            "end": np.array([2**31 - 1], np.int64),
            "time": np.array([2], np.int64),
            "row": np.array([1, STRUCTURE_DIMS], np.int64),
            "most": np.array([[0.9]], np.float32),
            "a_tenth": np.full((STYLE_DIMS, STRUCTURE_DIMS), 0.1 / STYLE_DIMS, np.float32),
            "little": np.array([[0.05]], np.float32),
            "one": np.array([[1.0]], np.float32),
        },
        nodes=[
            ("Slice", "structure last end time", "last_tick"),
            ("Reshape", "last_tick row", "tick_before"),
            ("Mul", "tick_before most", "kept"),
            ("MatMul", "style a_tenth", "pull"),
            ("Sub", "uniform one", "below"),
            ("Mul", "below little", "shift"),
            ("Mul", "normal temperature", "warm"),
            ("Mul", "warm little", "scatter"),
            ("Add", "kept pull", "centre"),
            ("Add", "centre shift", "shifted"),
            ("Add", "shifted scatter", "tick"),
            ("Add", "calls one", "next_calls"),
        ],
    )


def graph_model(
    name: str,
    inputs: dict[str, tuple[Any, ...]],
    outputs: dict[str, tuple[Any, ...]],
    constants: dict[str, Any],
    nodes: list[tuple[str, str, str]],
) -> bytes:
    graph = helper.make_graph(
        [_node(kind, sources.split(), result) for kind, sources, result in nodes],
        name,
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs.items()],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _node(kind: str, sources: list[str], result: str) -> Any:
    operator, _, detail = kind.partition(":")
    attributes: dict[str, Any] = {}
    if operator == "Concat":
        attributes["axis"] = int(detail)
    elif operator == "Transpose":
        attributes["perm"] = [int(axis) for axis in detail.split(",")]
    elif operator == "ReduceMean":
        attributes["keepdims"] = 1
    return helper.make_node(operator, sources, [result], **attributes)
