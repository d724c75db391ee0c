"""A machine with MIDI ports that a test plugs, plays and pulls."""

from __future__ import annotations

from collections.abc import Sequence

from server.midi.source import MidiPort, MidiPortError


class FakePort:
    """One port; ``played`` is what its player has sent and nobody has read."""

    def __init__(self) -> None:
        self.played: list[Sequence[int]] = []
        self.closed = False

    def messages(self) -> list[Sequence[int]]:
        arrived, self.played = self.played, []
        return arrived

    def close(self) -> None:
        self.closed = True


class FakeMidi:
    """A third source beside RtMidi's; calling it opens it, as calling RtMidi's class does."""

    def __init__(self, *names: str, busy: Sequence[str] = (), has_own: bool = True) -> None:
        self.there = list(names)
        self.busy = set(busy)
        self.has_own = has_own
        self.opened: dict[str, list[FakePort]] = {}
        self.own = FakePort()
        self.looks = 0
        self.closed = False

    def __call__(self) -> FakeMidi:
        return self

    def names(self) -> list[str]:
        self.looks += 1
        return list(self.there)

    def open(self, name: str) -> MidiPort:
        if name in self.busy:
            raise MidiPortError(f"cannot open the MIDI port '{name}': busy")
        port = FakePort()
        self.opened.setdefault(name, []).append(port)
        return port

    def open_own(self) -> MidiPort | None:
        return self.own if self.has_own else None

    def close(self) -> None:
        self.closed = True
