"""The engine's thread flushes denormals to zero, and no other thread does."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from server.engine.denormals import flush_denormals
from server.engine.runtime import RuntimeOptions
from server.engine.session import OrtDecoderSession
from tests import mini_bundle


def smallest() -> float:
    """A product that only a denormal can hold."""
    return float((np.full(4, 1e-30, np.float32) * np.full(4, 1e-10, np.float32))[0])


def test_only_the_calling_thread_flushes_denormals() -> None:
    found: list[float] = []

    def run() -> None:
        if flush_denormals():
            found.append(smallest())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if not found:
        pytest.skip("not supported on this platform")
    assert found == [0.0]
    assert smallest() > 0


def test_creating_a_session_leaves_the_callers_arithmetic_alone() -> None:
    OrtDecoderSession(mini_bundle.bundle(), RuntimeOptions("cpu"))
    assert smallest() > 0
