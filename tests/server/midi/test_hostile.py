"""Random bytes from a controller, through decoding, mappings and keys to the sound."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest

from server.midi.input import MidiInput
from server.midi.keys import Keys
from tests.server.control_inputs import ControlRig
from tests.server.midi.fake_midi import FakeMidi

BATCHES, A_BATCH = 400, 12
"""Twelve messages in the 4 ms between two polls are 3,000 a second."""


def anything(random: np.random.Generator) -> Iterator[bytes]:
    """Valid messages of every status, and bytes that are not messages."""
    while True:
        status = int(random.integers(0x80, 0x100))
        data = random.integers(0, 128, 1 if status >> 4 in (0xC, 0xD) else 2)
        if random.integers(5) == 0:
            yield random.bytes(int(random.integers(0, 6)))
        elif status == 0xF0:
            yield bytes((status, *data.tolist(), 0xF7))
        else:
            yield bytes((status, *(data.tolist() if status < 0xF0 else ())))


@pytest.mark.parametrize("seed", [1, 2])
def test_random_input_keeps_values_in_range_and_the_sound_running(seed: int) -> None:
    rig = ControlRig()
    rig.put_decks()
    keys = Keys(rig.desk, rig.midi)
    keys.connect(rig.dispatch)
    midi = MidiInput("all", keys.take, FakeMidi("Knobs"), on_clock=rig.clocks.receive)
    messages = anything(np.random.default_rng(seed))
    for batch in range(BATCHES):
        midi._take([("Knobs", next(messages)) for _ in range(A_BATCH)], time.time())
        if batch % 20 == 0:
            assert np.isfinite(rig.engine.render(4)).all()
    assert midi.received == BATCHES * A_BATCH > midi.rejected > 0
    assert rig.engine.failed_blocks == 0
    state = rig.desk.snapshot()
    for control in state.table.values:
        for value in state.vector(control.address):
            assert (
                control.minimum is None
                or control.maximum is None
                or (control.minimum <= value <= control.maximum or value in control.also)
            )
