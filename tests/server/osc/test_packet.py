"""The reader of OSC packets: valid ones are read, others refused, quickly."""

from __future__ import annotations

import contextlib
import math
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY as BUILD_IMMEDIATELY
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message import OscMessage as OracleMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from server.osc.arguments import MAX_DEPTH, Argument, Char, Impulse, Midi, OscError, Rgba, TimeTag
from server.osc.packet import (
    IMMEDIATELY,
    MAX_ADDRESS_BYTES,
    MAX_ARGUMENTS,
    MAX_ELEMENTS,
    MAX_PACKET_BYTES,
    OscMessage,
    OscPacket,
    read_packet,
)

INTERP = b"/interp\0,f\0\0\x3e\x80\0\0"
"""``/interp 0.25`` as liblo's oscsend sends it."""


def padded(text: bytes) -> bytes:
    return text + b"\0" * (4 - len(text) % 4)


def message(address: str, tags: str, data: bytes = b"") -> bytes:
    return padded(address.encode()) + padded(b"," + tags.encode()) + data


def bundle(*elements: bytes, time_tag: int = IMMEDIATELY) -> bytes:
    sized = b"".join(struct.pack(">i", len(element)) + element for element in elements)
    return b"#bundle\0" + struct.pack(">Q", time_tag) + sized


def test_a_message_from_oscsend_is_read() -> None:
    assert read_packet(INTERP).messages == (OscMessage("/interp", (0.25,)),)


@pytest.mark.parametrize(
    ("tags", "data", "expected"),
    [
        ("", b"", ()),
        ("i", b"\xff\xff\xff\xfe", (-2,)),
        ("f", struct.pack(">f", 0.5), (0.5,)),
        ("s", b"piano\0\0\0", ("piano",)),
        ("s", b"\0\0\0\0", ("",)),
        ("s", padded("Dvořák ♫".encode()), ("Dvořák ♫",)),
        ("b", b"\0\0\0\x03\x01\x02\0\0", (b"\x01\x02\0",)),
        ("b", b"\0\0\0\0", (b"",)),
        ("h", struct.pack(">q", -(2**40)), (-(2**40),)),
        ("d", struct.pack(">d", math.pi), (math.pi,)),
        ("t", struct.pack(">Q", 2**63 + 1), (TimeTag(2**63 + 1),)),
        ("S", b"sym\0", ("sym",)),
        ("c", b"\0\0\0a", (Char("a"),)),
        ("r", b"\x01\x02\x03\xff", (Rgba((1, 2, 3, 255)),)),
        ("m", b"\0\xb0\x01\x7f", (Midi((0, 176, 1, 127)),)),
        ("T", b"", (True,)),
        ("F", b"", (False,)),
        ("N", b"", (None,)),
        ("I", b"", (Impulse(),)),
        ("[]", b"", ((),)),
        ("i[T[f]]s", b"\0\0\0\x07" + struct.pack(">f", 2.0) + b"x\0\0\0", (7, (True, (2.0,)), "x")),
    ],
)
def test_every_argument_type_is_read(
    tags: str, data: bytes, expected: tuple[Argument, ...]
) -> None:
    assert read_packet(message("/x", tags, data)).messages == (OscMessage("/x", expected),)


def test_a_message_without_type_tags_has_no_arguments() -> None:
    assert read_packet(b"/status\0").messages == (OscMessage("/status"),)


def test_numbers_that_are_not_finite_are_read() -> None:
    packet = message("/x", "ff", struct.pack(">ff", math.inf, math.nan))
    (infinite,) = read_packet(packet).messages
    assert infinite.arguments[0] == math.inf
    assert isinstance(infinite.arguments[1], float) and math.isnan(infinite.arguments[1])


def test_a_bundle_is_read_in_order_with_its_time_tags() -> None:
    inner = bundle(message("/b", "i", b"\0\0\0\x02"), time_tag=9)
    packet = bundle(message("/a", ""), inner, message("/c", ""), time_tag=5)
    assert read_packet(packet).messages == (
        OscMessage("/a", (), 5),
        OscMessage("/b", (2,), 9),
        OscMessage("/c", (), 5),
    )


def test_an_empty_bundle_has_no_messages() -> None:
    assert read_packet(bundle()) == OscPacket()


LATER, EARLIER = 1000 << 32, 999 << 32


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        (IMMEDIATELY, IMMEDIATELY, None),
        (IMMEDIATELY, LATER, LATER),
        (LATER, IMMEDIATELY, LATER),
        (LATER, LATER, LATER),
        (EARLIER, LATER, LATER),
        (2**64 - 1, 5, 5),
    ],
    ids=["now", "later", "with the outer one", "same time", "after it", "over 2036"],
)
def test_a_nested_bundle_is_due_at_its_own_time_or_the_outer_bundles(
    outer: int, inner: int, expected: int | None
) -> None:
    packet = bundle(bundle(message("/x", ""), time_tag=inner), time_tag=outer)
    assert read_packet(packet).messages == (OscMessage("/x", (), expected),)


@pytest.mark.parametrize(("outer", "inner"), [(LATER, EARLIER), (5, 2**64 - 1)])
def test_a_nested_bundle_due_before_the_outer_one_is_refused(outer: int, inner: int) -> None:
    with pytest.raises(OscError, match="due before the bundle around it"):
        read_packet(bundle(bundle(INTERP, time_tag=inner), INTERP, time_tag=outer))


def test_only_the_message_with_an_unknown_tag_is_left_out() -> None:
    unknown = message("/x", "xi", b"\0\0\0\x01")
    packet = read_packet(bundle(message("/a", ""), unknown, message("/c", "")))
    assert [found.address for found in packet.messages] == ["/a", "/c"]
    (error,) = packet.left_out
    assert error.address == "/x" and "unknown type tag 'x'; known are ifsb" in str(error)


def deep_bundle(depth: int) -> bytes:
    packet = message("/x", "")
    for _ in range(depth):
        packet = bundle(packet)
    return packet


REFUSED = {
    "nothing": (b"", "positive multiple of 4"),
    "a single byte": (b"/", "positive multiple of 4"),
    "garbage": (b"\xff" * 16, "neither a message"),
    "zeros": (b"\0" * 16, "neither a message"),
    "a size that is no multiple of 4": (INTERP + b"\0", "positive multiple of 4"),
    "the bundle that hangs python-osc": (
        b"#bundle\0" + b"\0" * 7 + b"\x01" + b"\xff\xff\xff\xfc",
        "bundle element of -4 bytes; 0 are left",
    ),
    "an element of size 0": (bundle() + b"\0\0\0\0", "element of 0 bytes"),
    "an element longer than the rest": (bundle() + b"\0\0\0\x08/x\0\0", "4 are left"),
    "an element of an odd size": (bundle() + b"\0\0\0\x02/x\0\0", "positive multiple of 4"),
    "a bundle without its time tag": (b"#bundle\0\0\0\0\x01", "time tag needs 8 bytes"),
    "a bundle cut within a size": (bundle() + b"\0\0", "positive multiple of 4"),
    "one bad message in a good bundle": (bundle(INTERP, message("/x", "i")), "/x: 32-bit integer"),
    "bundles nested too deep": (deep_bundle(MAX_DEPTH + 1), "nested more than"),
    "too many messages": (bundle(*[b"/x\0\0"] * (MAX_ELEMENTS + 1)), "more than 1024 messages"),
    "an address that is not UTF-8": (b"/\xff\xfe\0,\0\0\0", "not UTF-8"),
    "an address that is not ASCII": (message("/ř", ""), "printable ASCII"),
    "an address with a space": (message("/a b", ""), "printable ASCII"),
    "an address with '#'": (message("/a#", ""), "printable ASCII"),
    "an address that is too long": (message("/" + "a" * MAX_ADDRESS_BYTES, ""), "address of 256"),
    "an address without an end": (b"/abc", "without its terminating zero"),
    "an address with a line feed": (message("/a\n", ""), "control characters"),
    "padding that is not zero": (b"/x\0\1,\0\0\0", "padding is not zero"),
    "arguments without type tags": (b"/x\0\0\x3f\x80\0\0", "without type tags"),
    "type tags without a comma": (b"/x\0\0i\0\0\0\0\0\0\x01", "without type tags"),
    "too many arguments": (message("/x", "T" * (MAX_ARGUMENTS + 1)), "1025 type tags"),
    "an integer cut off": (message("/x", "ii", b"\0\0\0\x01"), "needs 4 bytes; 0 are left"),
    "a double cut off": (message("/x", "d", b"\0\0\0\x01"), "needs 8 bytes; 4 are left"),
    "bytes after the arguments": (message("/x", "i", b"\0" * 8), "4 bytes after the last"),
    "text cut off": (message("/x", "s", b"abcd"), "without its terminating zero"),
    "text that is not UTF-8": (message("/x", "s", b"\xc3\x28\0\0"), "not UTF-8"),
    "text with an escape sequence": (message("/x", "s", b"\x1b[2J\0\0\0\0"), "control characters"),
    "a blob of negative size": (message("/x", "b", b"\xff\xff\xff\xff"), "blob of -1 bytes"),
    "a blob that is too long": (message("/x", "b", b"\0\0\0\x05abcd"), "4 are left"),
    "a blob without padding": (message("/x", "bi", b"\0\0\0\x01a\1\0\0\0\0\0\1"), "not zero"),
    "a character beyond ASCII": (message("/x", "c", b"\0\0\x01\0"), "character code 256"),
    "an array that is not closed": (message("/x", "[i", b"\0\0\0\x01"), "not closed"),
    "an array that was not opened": (message("/x", "i]", b"\0\0\0\x01"), "not opened"),
    "arrays nested too deep": (message("/x", "[" * 9 + "]" * 9), "arrays nested more than"),
    "a packet beyond UDP": (b"/x\0\0" * 20000, f"at most {MAX_PACKET_BYTES}"),
}


@pytest.mark.parametrize(("packet", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_an_invalid_packet_is_refused_with_the_reason(packet: bytes, reason: str) -> None:
    with pytest.raises(OscError, match=reason.replace("[", r"\[")):
        read_packet(packet)


def test_the_error_of_a_bad_message_has_its_address() -> None:
    with pytest.raises(OscError) as caught:
        read_packet(message("/interp", "f"))
    assert caught.value.address == "/interp"


@pytest.mark.parametrize(
    "packet",
    [
        bundle(*[bundle()] * MAX_ELEMENTS),
        b"/" + b"a" * (MAX_PACKET_BYTES - 4),
        message("/x", "s" * 1024, b"\0" * 4096),
        message("/x", "[" * 60000),
        b"#bundle\0" * 8000,
        message("/x", "b", struct.pack(">i", 60000) + b"\0" * 60000),
    ],
)
def test_the_largest_packets_are_read_or_refused_quickly(packet: bytes) -> None:
    begin = time.perf_counter()
    with contextlib.suppress(OscError):
        read_packet(packet)
    assert time.perf_counter() - begin < 0.5


near_osc = st.lists(
    st.sampled_from(
        [
            b"#bundle\0",
            b"\0" * 8,
            b"/x\0\0",
            b",i\0\0",
            b",s\0\0",
            b",[b]",
            b"\0\0\0\x08",
            b"\xff" * 4,
        ]
    )
    | st.binary(min_size=4, max_size=4)
).map(b"".join)


@settings(max_examples=1000, deadline=500)
@given(st.binary(max_size=200) | near_osc)
def test_any_bytes_are_read_or_refused(packet: bytes) -> None:
    messages: tuple[OscMessage, ...] = ()
    refusal = "none"
    try:
        messages = read_packet(packet).messages
    except OscError as error:
        refusal = str(error)
    assert refusal and "\n" not in refusal
    assert all(found.address.startswith("/") for found in messages)


@settings(max_examples=300, deadline=500)
@given(st.data())
def test_a_damaged_packet_is_read_or_refused(data: st.DataObject) -> None:
    whole = bundle(INTERP, bundle(message("/deck/a/load", "s", padded(b"piano"))))
    position = data.draw(st.integers(0, len(whole) - 1))
    damaged = whole[:position] + data.draw(st.binary(max_size=4)) + whole[position + 1 :]
    with contextlib.suppress(OscError):
        read_packet(damaged[: data.draw(st.integers(0, len(damaged)))])


float32 = st.floats(width=32, allow_nan=False)
text = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=12)
typed = st.one_of(
    st.tuples(st.just("i"), st.integers(-(2**31), 2**31 - 1)),
    st.tuples(st.just("h"), st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.just("f"), float32),
    st.tuples(st.just("d"), st.floats(allow_nan=False)),
    st.tuples(st.just("s"), text),
    st.tuples(st.just("b"), st.binary(min_size=1, max_size=12)),
    st.tuples(st.just("T"), st.just(True)),
    st.tuples(st.just("F"), st.just(False)),
    st.tuples(st.just("N"), st.none()),
)
addresses = st.from_regex(r"/[a-z0-9/*?{}!-]{0,20}", fullmatch=True)


def build(address: str, arguments: list[tuple[str, Argument]]) -> OracleMessage:
    builder = OscMessageBuilder(address)
    for tag, value in arguments:
        builder.add_arg(value, tag)  # type: ignore[arg-type]
    return builder.build()


@settings(max_examples=300, deadline=500)
@given(addresses, st.lists(typed, max_size=8))
def test_messages_built_by_python_osc_are_read_back(
    address: str, arguments: list[tuple[str, Argument]]
) -> None:
    built = build(address, arguments)
    (read,) = read_packet(built.dgram).messages
    assert (read.address, list(read.arguments)) == (built.address, [v for _, v in arguments])
    assert list(read.arguments) == built.params


def test_bundles_built_by_python_osc_are_read_back() -> None:
    inner = OscBundleBuilder(BUILD_IMMEDIATELY)
    inner.add_content(build("/interp/style", [("f", 1.0)]))
    outer = OscBundleBuilder(1_700_000_000)
    outer.add_content(build("/play", []))
    outer.add_content(inner.build())
    play, style = read_packet(outer.build().dgram).messages
    assert (play.address, style.address, style.arguments) == ("/play", "/interp/style", (1.0,))
    ntp_of_unix_s = 2_208_988_800
    assert play.time_tag is not None and style.time_tag == play.time_tag
    assert play.time_tag / 2**32 - ntp_of_unix_s == pytest.approx(1_700_000_000)
