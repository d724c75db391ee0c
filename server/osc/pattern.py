"""OSC address patterns, matched without backtracking.

    ?         one character         [a-c] [!a-c]  one character of a set, or not of it
    *         any characters        {this,that}   one of the words
    //        a slash, or any part of an address from one slash to another (OSC 1.1)

Only the last crosses a ``/``. A pattern becomes a small automaton whose states are the bits of one
number, so that all states advance along the address together: a few operations per character, and
one more for each brace. Sources: "address pattern matching" in
https://opensoundcontrol.stanford.edu/spec-1_0.html;
https://opensoundcontrol.stanford.edu/spec-1_1.html
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

_SPECIAL = frozenset("*?[]{}")
_ANYWHERE = "//"


class PatternError(ValueError):
    """An address pattern with an open bracket or brace, or an empty set."""


def is_pattern(address: str) -> bool:
    """Return True if ``address`` may match several addresses."""
    return not _SPECIAL.isdisjoint(address) or _ANYWHERE in address


def matching(pattern: str, addresses: Iterable[str]) -> tuple[str, ...]:
    """Return those of ``addresses`` that match ``pattern``, in their order.

    >>> matching("/interp/*", ["/interp", "/interp/style", "/interp/structure"])
    ('/interp/style', '/interp/structure')
    >>> matching("//style", ["/interp", "/interp/style", "/style"])
    ('/interp/style', '/style')

    Raises:
        PatternError: the pattern is malformed.
    """
    automaton = _compiled(pattern)
    prefix = _literal_prefix(pattern)
    return tuple(a for a in addresses if a.startswith(prefix) and automaton.matches(a))


def _literal_prefix(pattern: str) -> str:
    """The literal prefix of every address that matches."""
    special = next((i for i, c in enumerate(pattern) if c in _SPECIAL), len(pattern))
    return pattern[:special].partition(_ANYWHERE)[0]


class _Automaton:
    """A nondeterministic automaton: states in the pattern's order, one bit each, the last final.

    On a character, a state goes on to the next, stays (``stays``: a star), or goes to another
    (``jumps``: the end of a word). Some states are reached without a character: the one after a
    star, and the targets of a fork (``forks``).
    """

    def __init__(self) -> None:
        self.size = 0
        self.literals: dict[str, int] = {}
        self.sets: list[tuple[int, frozenset[str], bool]] = []
        self.not_slash = self.anything = 0
        self.stays = 0
        self.jumps: dict[int, int] = {}
        self.forks: dict[int, tuple[int, ...]] = {}
        self._takes: dict[str, int] = {}
        self._closures: dict[int, int] = {}
        self._fork_bits = self._jump_bits = 0

    def new(self) -> int:
        """Add a state; return its number."""
        self.size += 1
        return self.size - 1

    def literal(self, character: str) -> int:
        """Add a state that takes ``character``."""
        state = self.new()
        self.literals[character] = self.literals.get(character, 0) | 1 << state
        return state

    def finish(self) -> None:
        """Resolve the targets of forks through stars and further forks, which are all ahead."""
        self._fork_bits = sum(1 << state for state in self.forks)
        self._jump_bits = sum(1 << state for state in self.jumps)
        closures = [0] * self.size
        for state in reversed(range(self.size)):
            closure = 1 << state
            for target in self.forks.get(state, ()):
                closure |= closures[target]
            if self.stays >> state & 1:
                closure |= closures[state + 1]
            closures[state] = closure
        self._closures = {state: closures[state] for state in self.forks}

    def matches(self, address: str) -> bool:
        """Return True if the whole of ``address`` leads from the first state to the last."""
        active = self._reached(1)
        for character in address:
            hits = active & self._taking(character)
            if not hits:
                return False
            jumping = hits & self._jump_bits
            moved = (hits & self.stays) | ((hits & ~self.stays & ~jumping) << 1)
            for state in _bits(jumping):
                moved |= 1 << self.jumps[state]
            active = self._reached(moved)
        return bool(active >> (self.size - 1) & 1)

    def _reached(self, active: int) -> int:
        """``active`` and the states reached from there without a character."""
        active |= (active & self.stays) << 1
        for state in _bits(active & self._fork_bits):
            active |= self._closures[state]
        return active

    def _taking(self, character: str) -> int:
        """The states that take ``character``."""
        if character not in self._takes:
            takes = self.literals.get(character, 0) | self.anything
            if character != "/":
                takes |= self.not_slash
                for bit, members, inverted in self.sets:
                    takes |= bit if (character in members) != inverted else 0
            self._takes[character] = takes
        return self._takes[character]


def _bits(number: int) -> Iterable[int]:
    while number:
        low = number & -number
        yield low.bit_length() - 1
        number ^= low


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> _Automaton:
    automaton = _Automaton()
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character == "[":
            position = _add_set(automaton, pattern, position)
        elif character == "{":
            position = _add_words(automaton, pattern, position)
        elif character in "]}":
            raise PatternError(f"{pattern[:40]!a}: '{character}' has no opening bracket")
        elif pattern.startswith(_ANYWHERE, position):
            position = _add_anywhere(automaton, pattern, position)
        elif character == "*":
            position = _add_star(automaton, pattern, position)
        else:
            _add_character(automaton, character)
            position += 1
    automaton.new()
    automaton.finish()
    return automaton


def _add_character(automaton: _Automaton, character: str) -> None:
    if character == "?":
        automaton.not_slash |= 1 << automaton.new()
    else:
        automaton.literal(character)


def _add_star(automaton: _Automaton, pattern: str, start: int) -> int:
    """Add one state for ``*``, even for several in a row; return the position after it."""
    state = automaton.new()
    automaton.not_slash |= 1 << state
    automaton.stays |= 1 << state
    return start + _run_length(pattern, start, "*")


def _add_anywhere(automaton: _Automaton, pattern: str, start: int) -> int:
    """Add a slash, then either nothing, or anything up to another slash."""
    automaton.literal("/")
    fork, anything = automaton.new(), automaton.new()
    automaton.anything |= 1 << anything
    automaton.stays |= 1 << anything
    automaton.forks[fork] = (anything, automaton.literal("/") + 1)
    return start + _run_length(pattern, start, "/")


def _run_length(pattern: str, start: int, character: str) -> int:
    """Count the repetitions of ``character`` from ``start`` on."""
    rest = pattern[start:]
    return len(rest) - len(rest.lstrip(character))


def _add_set(automaton: _Automaton, pattern: str, start: int) -> int:
    """Add one state for ``[...]``; return the position after it."""
    stop = _closing(pattern, start, "]")
    inside = pattern[start + 1 : stop]
    inverted = inside.startswith("!")
    members = _set_members(inside[inverted:])
    if not members:
        raise PatternError(f"{pattern[:40]!a}: a set without characters")
    automaton.sets.append((1 << automaton.new(), members, inverted))
    return stop + 1


def _set_members(inside: str) -> frozenset[str]:
    """Return the characters of a set; ``a-c`` is a range, a minus at either end is itself."""
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


def _add_words(automaton: _Automaton, pattern: str, start: int) -> int:
    """Add a fork and its words one after the other, each continuing after the last of them."""
    stop = _closing(pattern, start, "}")
    words = pattern[start + 1 : stop].split(",")
    fork = automaton.new()
    after = fork + 1 + sum(len(word) for word in words)
    entries = []
    for word in words:
        states = [automaton.literal(character) for character in word]
        entries.append(states[0] if states else after)
        if states:
            automaton.jumps[states[-1]] = after
    automaton.forks[fork] = tuple(dict.fromkeys(entries))
    return stop + 1


def _closing(pattern: str, start: int, bracket: str) -> int:
    stop = pattern.find(bracket, start)
    if stop < 0:
        raise PatternError(f"{pattern[:40]!a}: '{pattern[start]}' is not closed by '{bracket}'")
    return stop
