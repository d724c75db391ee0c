"""OSC address patterns, matched without backtracking.

    ?         one character         [a-c] [!a-c]  one character of a set, or not of it
    *         any characters        {this,that}   one of the words

None of them crosses a ``/``. A pattern becomes a small automaton; all its states walk along
the address together, so the time is at most (pattern length) x (address length), whatever the
pattern. Source: https://opensoundcontrol.stanford.edu/spec-1_0.html, "address pattern matching".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

_SPECIAL = frozenset("*?[]{}")


class PatternError(ValueError):
    """An address pattern with an open bracket or brace, or an empty set."""


def is_pattern(address: str) -> bool:
    """Whether ``address`` may stand for several addresses."""
    return not _SPECIAL.isdisjoint(address)


def matching(pattern: str, addresses: Iterable[str]) -> tuple[str, ...]:
    """Those of ``addresses`` that ``pattern`` stands for, in their order.

    >>> matching("/interp/*", ["/interp", "/interp/style", "/interp/structure"])
    ('/interp/style', '/interp/structure')

    Raises:
        PatternError: the pattern is malformed.
    """
    automaton = _compiled(pattern)
    plain = pattern[: next((i for i, c in enumerate(pattern) if c in _SPECIAL), None)]
    return tuple(a for a in addresses if a.startswith(plain) and automaton.matches(a))


@dataclass(frozen=True)
class _State:
    """``accepts`` a character to go on to ``after``; ``skips`` are reached without one."""

    accepts: Callable[[str], bool] | None
    after: int
    skips: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Automaton:
    """States in order of the pattern; the last one is the end."""

    states: tuple[_State, ...]

    def matches(self, address: str) -> bool:
        active = self._with_skips({0})
        for character in address:
            active = self._with_skips(
                {
                    state.after
                    for state in map(self.states.__getitem__, active)
                    if state.accepts and state.accepts(character)
                }
            )
            if not active:
                return False
        return len(self.states) - 1 in active

    def _with_skips(self, active: set[int]) -> set[int]:
        waiting = list(active)
        while waiting:
            for target in self.states[waiting.pop()].skips:
                if target not in active:
                    active.add(target)
                    waiting.append(target)
        return active


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> _Automaton:
    states: list[_State] = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character == "[":
            position = _add_set(states, pattern, position)
        elif character == "{":
            position = _add_words(states, pattern, position)
        elif character in "]}":
            raise PatternError(f"{pattern[:40]!a}: '{character}' closes what was not opened")
        else:
            _add_character(states, character)
            position += 1
    states.append(_State(None, len(states)))
    return _Automaton(tuple(states))


def _add_character(states: list[_State], character: str) -> None:
    here = len(states)
    if character == "*":
        states.append(_State(_not_slash, here, (here + 1,)))
    elif character == "?":
        states.append(_State(_not_slash, here + 1))
    else:
        states.append(_State(character.__eq__, here + 1))


def _add_set(states: list[_State], pattern: str, start: int) -> int:
    """One state for ``[...]``; a position after it is returned."""
    stop = _closing(pattern, start, "]")
    inside = pattern[start + 1 : stop]
    inverted = inside.startswith("!")
    members = _set_members(inside[inverted:])
    if not members:
        raise PatternError(f"{pattern[:40]!a}: a set without characters")
    states.append(_State(lambda c: c != "/" and (c in members) != inverted, len(states) + 1))
    return stop + 1


def _set_members(inside: str) -> frozenset[str]:
    """Characters of a set; ``a-c`` is a range, a minus at either end is itself."""
    members: set[str] = set()
    position = 0
    while position < len(inside):
        if inside[position + 1 : position + 2] == "-" and position + 2 < len(inside):
            members.update(map(chr, range(ord(inside[position]), ord(inside[position + 2]) + 1)))
            position += 3
        else:
            members.add(inside[position])
            position += 1
    return frozenset(members)


def _add_words(states: list[_State], pattern: str, start: int) -> int:
    """A fork, the words one behind another, each going on behind the last of them."""
    stop = _closing(pattern, start, "}")
    words = pattern[start + 1 : stop].split(",")
    fork = len(states)
    after = fork + 1 + sum(len(word) for word in words)
    entries: list[int] = []
    states.append(_State(None, after))
    for word in words:
        entries.append(len(states) if word else after)
        for index, character in enumerate(word):
            last = index == len(word) - 1
            states.append(_State(character.__eq__, after if last else len(states) + 1))
    states[fork] = _State(None, after, tuple(entries))
    return stop + 1


def _closing(pattern: str, start: int, bracket: str) -> int:
    stop = pattern.find(bracket, start)
    if stop < 0:
        raise PatternError(f"{pattern[:40]!a}: '{pattern[start]}' is not closed by '{bracket}'")
    return stop


def _not_slash(character: str) -> bool:
    return character != "/"
