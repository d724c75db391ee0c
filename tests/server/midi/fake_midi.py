"""Fake MIDI ports that a test plugs in, plays and unplugs."""

from __future__ import annotations

from collections.abc import Sequence

from server.midi.ports.source import MidiOutlet, MidiPort, MidiPortError, MidiUnavailable


class FakePort:
    """One input; ``played`` holds the messages sent and not yet read."""

    def __init__(self) -> None:
        self.played: list[Sequence[int]] = []
        self.closed = False

    def messages(self) -> list[Sequence[int]]:
        arrived, self.played = self.played, []
        return arrived

    def close(self) -> None:
        self.closed = True


class FakeOutlet:
    """One output; ``heard`` holds the messages sent to it."""

    def __init__(self) -> None:
        self.heard: list[Sequence[int]] = []
        self.closed = False

    def send(self, message: Sequence[int]) -> None:
        self.heard.append(message)

    def close(self) -> None:
        self.closed = True


class FakeMidi:
    """A fake MIDI source; calling it opens it, as calling RtMidi's class does.

    ``outputs`` are the available outputs; with ``is_dead`` the whole MIDI system has gone.
    """

    def __init__(
        self,
        *names: str,
        busy: Sequence[str] = (),
        has_own: bool = True,
        outputs: Sequence[str] = (),
    ) -> None:
        self.there = list(names)
        self.outputs = list(outputs)
        self.busy = set(busy)
        self.has_own = has_own
        self.opened: dict[str, list[FakePort]] = {}
        self.outlets: dict[str, list[FakeOutlet]] = {}
        self.own = FakePort()
        self.own_outlet = FakeOutlet()
        self.looks = 0
        self.closed = False
        self.is_dead = False
        self.pulled: set[str] = set()

    def __call__(self) -> FakeMidi:
        self._live()
        self.closed = False
        return self

    def names(self) -> list[str]:
        self._live()
        self.looks += 1
        return list(self.there)

    def output_names(self) -> list[str]:
        self._live()
        return list(self.outputs)

    def went(self) -> set[str]:
        went, self.pulled = self.pulled, set()
        return went

    def open(self, name: str) -> MidiPort:
        self._free(name)
        port = FakePort()
        self.opened.setdefault(name, []).append(port)
        return port

    def open_output(self, name: str) -> MidiOutlet:
        self._free(name)
        outlet = FakeOutlet()
        self.outlets.setdefault(name, []).append(outlet)
        return outlet

    def open_own(self) -> MidiPort | None:
        return self.own if self.has_own else None

    def open_own_output(self) -> MidiOutlet | None:
        return self.own_outlet if self.has_own else None

    def close(self) -> None:
        self.closed = True

    def _free(self, name: str) -> None:
        if name in self.busy:
            raise MidiPortError(f"cannot open the MIDI port '{name}': busy")

    def _live(self) -> None:
        if self.is_dead:
            raise MidiUnavailable("the JACK server has gone")
