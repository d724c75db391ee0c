"""Address patterns: what they match, and that they never take long."""

from __future__ import annotations

import fnmatch
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.osc_pattern import PatternError, is_pattern, matching


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
    ],
)
def test_a_pattern_matches_as_osc_says(pattern: str, address: str, expected: bool) -> None:
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
    ],
)
def test_hostile_patterns_are_fast(pattern: str) -> None:
    addresses = [f"/latent/{'a' * 30}{index}" for index in range(60)]
    begin = time.perf_counter()
    matching(pattern, addresses)
    assert time.perf_counter() - begin < 2.0


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
