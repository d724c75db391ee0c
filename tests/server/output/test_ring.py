"""Samples pass through the ring in order, from one thread to another, without waiting."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.output.ring import Ring

STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, 40)), max_size=60)


@given(capacity=st.integers(1, 32), channels=st.integers(1, 3), steps=STEPS)
def test_the_ring_is_a_bounded_queue(
    capacity: int, channels: int, steps: list[tuple[bool, int]]
) -> None:
    ring, counter = Ring(capacity, channels), 0
    model: list[list[float]] = []
    for is_write, count in steps:
        if is_write:
            values = np.arange(counter, counter + count * channels, dtype=np.float32)
            block = values.reshape(count, channels)
            counter += count * channels
            taken = ring.write(block)
            assert taken == min(count, capacity - len(model))
            model += block[:taken].tolist()
        else:
            target = np.full((count, channels), -1, np.float32)
            got = ring.read_into(target)
            assert got == min(count, len(model))
            assert target[:got].tolist() == model[:got]
            assert (target[got:] == -1).all()
            model = model[got:]
        assert ring.available == len(model)
        assert ring.free == capacity - len(model)


def test_the_ring_reads_into_part_of_a_wider_buffer() -> None:
    ring = Ring(8, 1)
    ring.write(np.ones((3, 1), np.float32))
    wide = np.zeros((5, 2), np.float32)
    assert ring.read_into(wide[:, :1]) == 3
    np.testing.assert_array_equal(wide, [[1, 0]] * 3 + [[0, 0]] * 2)


def test_two_threads_pass_everything_in_order() -> None:
    ring, total = Ring(97, 1), 20_000
    sent = np.arange(total, dtype=np.float32)[:, None]

    def write() -> None:
        done = 0
        while done < total:
            done += ring.write(sent[done : done + 31])
            time.sleep(0)

    thread = threading.Thread(target=write)
    thread.start()
    received, got = np.zeros((total, 1), np.float32), 0
    while got < total:
        got += ring.read_into(received[got : got + 53])
        time.sleep(0)
    thread.join()
    np.testing.assert_array_equal(received, sent)


@pytest.mark.parametrize(("capacity", "channels"), [(0, 1), (4, 0)])
def test_an_empty_ring_is_refused(capacity: int, channels: int) -> None:
    with pytest.raises(ValueError, match="ring"):
        Ring(capacity, channels)
