"""The motion loop as arrays, and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.controls.events import SetControl
from server.supervision.motion_arrays import MotionLoop, arrays_of, loop_of

CHANGES = st.builds(
    SetControl,
    st.sampled_from(["/interp", "/interp/xy", "/latent"]),
    st.lists(st.floats(-3, 3), max_size=4).map(tuple),
)
LOOPS = st.tuples(
    st.dictionaries(st.integers(0, 500), st.lists(CHANGES, min_size=1, max_size=3).map(tuple)),
    st.integers(1, 500),
)


@given(LOOPS)
def test_a_loop_comes_back_as_it_was(loop: MotionLoop) -> None:
    assert loop_of(arrays_of(loop)) == loop


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"frames": np.array([0])}, "of different length"),
        ({"sizes": np.array([1, 1])}, "3 values instead of 2"),
        ({"sizes": np.array([4, -1])}, "3 values instead of 3"),
        ({"address_of": np.array([0, 2])}, "none of 2 addresses"),
        ({"address_of": np.array([0, -1])}, "none of 2 addresses"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(changes: dict[str, Any], why: str) -> None:
    events = (SetControl("/interp", (0.5,)), SetControl("/interp/xy", (0.5, 0.25)))
    with pytest.raises(ValueError, match=why):
        replace(arrays_of(({7: events}, 8)), **changes)
