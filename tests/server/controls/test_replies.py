"""Replies: documented names, order and types."""

from __future__ import annotations

import pytest

from server.controls.replies import (
    STATUS_NAMES,
    Argument,
    Reply,
    done,
    fail,
    status,
    synced,
    version,
)

FIGURES: dict[str, Argument] = {
    "bundle": "default",
    "provider": "CPUExecutionProvider",
    "block_samples": 512,
    "model_rate_hz": 22050,
    "device_rate_hz": 48000.0,
    "decode_p50_ms": 3.5,
    "decode_p99_ms": 4.5,
    "ring_blocks": 4,
    "late_blocks": 0,
    "underruns": 0,
    "osc_received": 7,
    "osc_rejected": 1,
    "midi_received": 0,
    "latency_ms": 61.0,
}


def test_status_has_the_names_of_the_contract_in_order() -> None:
    reply = status(dict(reversed(FIGURES.items())))
    assert reply.address == "/status.reply"
    assert reply.arguments[0::2] == tuple(FIGURES)
    assert reply.arguments[1::2] == tuple(FIGURES.values())


def test_status_values_have_the_types_of_the_contract() -> None:
    values = status(FIGURES).arguments[1::2]
    assert [type(value) for value in values] == [kind for _, kind in STATUS_NAMES]


def test_status_may_end_with_more_figures() -> None:
    assert status({"extra": 1.5, **FIGURES}).arguments[-2:] == ("extra", 1.5)


def test_a_status_that_lacks_a_figure_of_the_contract_raises_key_error() -> None:
    with pytest.raises(KeyError):
        status({"bundle": "x"})


def test_replies_have_the_names_and_arguments_that_supercollider_uses() -> None:
    assert done("/deck/a/load", "piano") == Reply("/done", ("/deck/a/load", "piano"))
    assert fail("/deck/a/load", "no such deck") == Reply("/fail", ("/deck/a/load", "no such deck"))
    assert synced(7) == Reply("/synced", (7,))
    assert version("latent-deck", "1.2.3").arguments == ("latent-deck", 1, 2, ".3")
