"""Wekinator's outputs move the controls assigned to them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from pythonosc.osc_message_builder import build_msg

from server.controls.replies import Reply
from server.controls.table import control_table
from server.osc.mapping import MappingError
from server.osc.wekinator import Wekinator
from tests.server.control_inputs import ControlRig, FakeSender

TARGETS = ("/interp", "/latent/1", "/level", "/mute")


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ([0.25, 0.5, 1.0, 0.9], (0.25, 0.0, 6.0, 1.0)),
        ([1.2, -0.3], (1.0, -3.0, -12.0, 0.0)),
        ([1, 1, 0, 0, 0.5, 0.5], (1.0, 3.0, -60.0, 0.0)),
        ([], (0.0, 0.0, -12.0, 0.0)),
    ],
)
def test_each_output_moves_its_control_over_its_range(
    outputs: list[float], expected: tuple[float, ...]
) -> None:
    rig = ControlRig(wekinator=TARGETS)
    rig.send(build_msg("/wek/outputs", outputs).dgram)
    state = rig.desk.snapshot()
    assert tuple(state.value(address) for address in TARGETS) == pytest.approx(expected)
    assert rig.sender.replies == []


def test_without_targets_outputs_are_accepted_and_move_nothing() -> None:
    rig = ControlRig()
    before = rig.desk.snapshot()
    rig.send(build_msg("/wek/outputs", [0.5] * 20).dgram)
    assert rig.desk.snapshot() == before and rig.sender.replies == []


def test_clients_are_notified_of_values_moved_by_outputs() -> None:
    rig = ControlRig(wekinator=("/level",))
    one = FakeSender()
    rig.send(build_msg("/notify", 1).dgram, one)
    rig.send(build_msg("/wek/outputs", [1.0]).dgram)
    rig.pass_time()
    assert one.replies[1:] == [Reply("/level", (6.0,))]


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("/intrep", "/intrep: no such control for --wekinator; --list-controls shows all"),
        ("/play", "/play: has no range for an output"),
        ("/latent", "/latent: has no range"),
        ("/deck/a/load", "has no range"),
    ],
)
def test_a_target_that_no_output_can_move_is_refused(address: str, reason: str) -> None:
    model = SimpleNamespace(table=control_table(4))
    with pytest.raises(MappingError, match=reason):
        Wekinator(SimpleNamespace(newest=model), ("/interp", address))
