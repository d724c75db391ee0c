"""Address patterns: what they match, in bounded time."""

from __future__ import annotations

import contextlib
import fnmatch
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.controls.table import control_table
from server.osc.pattern import PatternError, is_pattern, matching


@pytest.mark.parametrize(
    ("pattern", "address", "expected"),
    [
        ("/interp", "/interp", True),
        ("/interp", "/interp/style", False),
        ("/latent/*", "/latent/7", True),
        ("/latent/*", "/latent/", True),
        ("/latent/*", "/latent/7/x", False),
        ("/latent*", "/latent/7", False),
        ("/latent/?", "/latent/7", True),
        ("/latent/?", "/latent/17", False),
        ("/latent?7", "/latent/7", False),
        ("/*/style", "/interp/style", True),
        ("/latent/[0-3]", "/latent/3", True),
        ("/latent/[0-3]", "/latent/4", False),
        ("/latent/1[!0-3]", "/latent/14", True),
        ("/latent/1[!0-3]", "/latent/12", False),
        ("/latent/[-2]", "/latent/-", True),
        ("/latent/[2-]", "/latent/-", True),
        ("/latent[!a]7", "/latent/7", False),
        ("/deck/{a,b}/load", "/deck/b/load", True),
        ("/deck/{a,b}/load", "/deck/c/load", False),
        ("/interp/{style,structure}", "/interp/structure", True),
        ("/interp{,/style}", "/interp", True),
        ("/interp{,/style}", "/interp/style", True),
        ("/{in,inter}p", "/interp", True),
        ("/{a,ab}{bc,c}", "/abc", True),
        ("/{a}*{b}", "/axxb", True),
        ("/**", "/interp", True),
        ("/*", "/", True),
        ("//style", "/interp/style", True),
        ("//style", "/style", True),
        ("//style", "/interp/structure", False),
        ("//style", "/mystyle", False),
        ("//load", "/deck/a/load", True),
        ("/deck//load", "/deck/a/b/load", True),
        ("/deck//load", "/deck/load", True),
        ("/deck//load", "/deckx/load", False),
        ("/deck//*", "/deck/a/load", True),
        ("/deck//", "/deck/a/load", False),
        ("///load", "/deck/a/load", True),
        ("//{a,b}/load", "/deck/b/load", True),
        ("//", "/", True),
    ],
)
def test_a_pattern_matches_as_osc_defines(pattern: str, address: str, expected: bool) -> None:
    assert matching(pattern, [address]) == ((address,) if expected else ())


def test_matches_come_in_the_order_of_the_addresses() -> None:
    assert matching("/l/*", ["/l/2", "/m", "/l/10"]) == ("/l/2", "/l/10")


@pytest.mark.parametrize("pattern", ["/[", "/{a,b", "/]", "/}", "/[]", "/[!]", "/a]b"])
def test_a_malformed_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        matching(pattern, ["/a"])


def test_only_addresses_with_special_characters_are_patterns() -> None:
    assert not is_pattern("/latent/7")
    assert all(is_pattern(f"/a{special}") for special in "*?[]{}")
    assert is_pattern("//a") and is_pattern("/a//b")


@pytest.mark.parametrize(
    "pattern",
    [
        "/latent/" + "*a" * 12 + "c",
        "/latent/" + "*a" * 120 + "c",
        "/latent/" + "*?" * 120 + "c",
        "/latent/" + "*" * 240,
        "/latent/" + "{,}" * 80 + "c",
        "/latent/" + "{a,aa,aaa}" * 24 + "c",
        "/latent/{" + "a," * 120 + "}",
        "/latent/" + "*{,a}" * 48 + "c",
        "/" + "//*" * 80 + "c",
        "//{,a}" * 40 + "c",
        "/latent/" + "[!b]*" * 48 + "c",
    ],
)
def test_hostile_patterns_are_matched_within_milliseconds(pattern: str) -> None:
    """A table as large as the largest bundle's so far; 8 ms when this was written."""
    addresses = list(control_table(128).controls)
    begin = time.process_time()
    matching(pattern, addresses)
    assert time.process_time() - begin < 0.1


def test_matching_time_grows_linearly_with_the_address() -> None:
    def best_s(length: int) -> float:
        times = []
        for _ in range(5):
            begin = time.process_time()
            matching("/" + "*{,a}" * 48 + "c", ["/" + "a" * length])
            times.append(time.process_time() - begin)
        return min(times)

    assert best_s(4000) < 8 * best_s(1000)


@given(st.text("ab*?", max_size=10), st.text("ab", max_size=10))
def test_stars_and_question_marks_agree_with_fnmatch(pattern: str, address: str) -> None:
    expected = fnmatch.fnmatchcase(address, pattern)
    assert bool(matching("/" + pattern, ["/" + address])) == expected


words = st.lists(st.text("ab", max_size=3), min_size=1, max_size=3)


@given(st.lists(words, max_size=4), st.text("ab", max_size=8))
def test_words_agree_with_a_regular_expression(groups: list[list[str]], address: str) -> None:
    pattern = "".join("{" + ",".join(group) + "}" for group in groups)
    regular = "".join("(" + "|".join(group) + ")" for group in groups)
    assert bool(matching("/" + pattern, ["/" + address])) == bool(re.fullmatch(regular, address))


pieces = st.lists(
    st.sampled_from(["a", "b", "*", "?", "/", "//", "[ab]", "[!a]", "[a-b]", "{a,bb}", "{,b}"]),
    max_size=7,
)


REGULAR = {
    "*": "[^/]*",
    "?": "[^/]",
    "//": "/(.*/)?",
    "[!a]": "[^/a]",
    "{a,bb}": "(a|bb)",
    "{,b}": "(|b)",
}
"""The pieces as regular expressions, which can take exponential time on long patterns."""


@settings(max_examples=500, deadline=None)
@given(pieces, st.text("ab/", max_size=7))
def test_combined_pieces_agree_with_a_regular_expression(parts: list[str], address: str) -> None:
    pattern = re.sub("/{2,}", "//", "/" + "".join(parts))
    found = re.findall(r"//|\[.*?\]|\{.*?\}|.", pattern)
    expected = re.fullmatch("".join(REGULAR.get(piece, piece) for piece in found), "/" + address)
    assert bool(matching(pattern, ["/" + address])) == bool(expected)


@settings(max_examples=500, deadline=None)
@given(st.text("ab/*?[]{},!-", max_size=20), st.text("ab/", max_size=8))
def test_any_text_matches_or_is_a_pattern_error(pattern: str, address: str) -> None:
    with contextlib.suppress(PatternError):
        assert set(matching("/" + pattern, ["/" + address])) <= {"/" + address}
