"""The mini bundle in format 2: its decoder gives spectra instead of sound.

    log magnitude of bin f, spectrum s of frame n = style's mean + f level(n - 1) / 10 + s / 2

The level is structure's mean. That of the frame before is the decoder's memory.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from export.bundle.format import Bundle, Manifest
from tests import mini_bundle
from tests.mini_bundle import SPECTRA, STRUCTURE_DIMS, STYLE_DIMS, WINDOW
from tests.mini_bundle import WINDOW_BINS as BINS


def manifest() -> Manifest:
    """The manifest of the bundle."""
    return mini_bundle.spectra_manifest(latency_samples=WINDOW // 2)


def bundle() -> Bundle:
    """A complete bundle, with the decks ``low`` and ``high``."""
    return mini_bundle.bundle(manifest=manifest(), decoder_onnx=decoder_onnx())


@cache
def decoder_onnx() -> bytes:
    """style, structure, level -> log_magnitude, advance, spread, next_level."""
    spectra = (1, BINS, "spectra")
    return mini_bundle.graph_model(
        name="spectral_decoder",
        inputs={
            "style": (1, STYLE_DIMS, "frames"),
            "structure": (1, STRUCTURE_DIMS, "frames"),
            "level": (1, 1, 1),
        },
        outputs={
            **dict.fromkeys(("log_magnitude", "advance", "spread"), spectra),
            "next_level": (1, 1, 1),
        },
        constants={
            "to_base": np.full((1, 1, STYLE_DIMS), 1 / STYLE_DIMS, np.float32),
            "to_level": np.full((1, 1, STRUCTURE_DIMS), 1 / STRUCTURE_DIMS, np.float32),
            "slopes": np.arange(BINS, dtype=np.float32).reshape(1, -1, 1) / 10,
            "steps": np.arange(SPECTRA, dtype=np.float32).reshape(1, 1, 1, -1) / 2,
            "first": np.array([0], np.int64),
            "last": np.array([-1], np.int64),
            "end": np.array([2**31 - 1], np.int64),
            "time": np.array([2], np.int64),
            "columns": np.array([1, BINS, -1, 1], np.int64),
            "flat": np.array([1, BINS, -1], np.int64),
            "nothing": np.float32(0),
        },
        nodes=[
            ("MatMul", "to_base style", "base"),
            ("MatMul", "to_level structure", "levels"),
            ("Concat:2", "level levels", "all_levels"),
            ("Slice", "all_levels first last time", "levels_before"),
            ("Slice", "levels last end time", "next_level"),
            ("Mul", "slopes levels_before", "slanted"),
            ("Add", "slanted base", "of_frames"),
            ("Reshape", "of_frames columns", "of_columns"),
            ("Add", "of_columns steps", "of_spectra"),
            ("Reshape", "of_spectra flat", "log_magnitude"),
            ("Mul", "log_magnitude nothing", "advance"),
            ("Mul", "log_magnitude nothing", "spread"),
        ],
    )
