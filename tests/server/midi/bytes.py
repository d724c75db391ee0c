"""A controller's bytes, decoded as they come."""

from __future__ import annotations

from mido import Message

from server.midi.decode.messages import DecoderState, moves_of
from server.midi.decode.moves import Kind, Knob, Move


def moved(*messages: bytes) -> list[Move]:
    """The moves of a fresh controller's messages."""
    state = DecoderState()
    moves: list[Move] = []
    for message in messages:
        state, more = moves_of(state, "knobs", Message.from_bytes(list(message)))
        moves.extend(more)
    return moves


def cc(control: int, *values: int, channel: int = 0) -> list[bytes]:
    """Control change messages, one for each value."""
    return [bytes((0xB0 + channel, control, value)) for value in values]


def move(kind: Kind, number: int, value: int, largest: int = 127, channel: int = 0) -> Move:
    """An expected move."""
    return Move(Knob("knobs", channel, kind, number), value, largest)
