"""Fake MIDI ports that a test plugs in, plays and unplugs."""

from __future__ import annotations

from collections.abc import Sequence

from server.midi.ports.backend import InputPort, MidiPortError, MidiUnavailable, OutputPort


class FakePort:
    """An input; ``played`` are the messages that were sent and not yet read."""

    def __init__(self) -> None:
        self.played: list[Sequence[int]] = []
        self.closed = False

    def messages(self) -> list[Sequence[int]]:
        arrived, self.played = self.played, []
        return arrived

    def close(self) -> None:
        self.closed = True


class FakeOutput:
    """An output; ``received`` are the messages sent to it."""

    def __init__(self) -> None:
        self.received: list[Sequence[int]] = []
        self.closed = False

    def send(self, message: Sequence[int]) -> None:
        self.received.append(message)

    def close(self) -> None:
        self.closed = True


class FakeMidi:
    """A second backend beside RtMidi's; calling it opens it, as calling RtMidi's class does.

    ``outputs`` are the outputs that are there; with ``is_dead`` the whole system has gone.
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
        self.opened_outputs: dict[str, list[FakeOutput]] = {}
        self.own = FakePort()
        self.own_output = FakeOutput()
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

    def unplugged(self) -> set[str]:
        unplugged, self.pulled = self.pulled, set()
        return unplugged

    def open(self, name: str) -> InputPort:
        self._free(name)
        port = FakePort()
        self.opened.setdefault(name, []).append(port)
        return port

    def open_output(self, name: str) -> OutputPort:
        self._free(name)
        output = FakeOutput()
        self.opened_outputs.setdefault(name, []).append(output)
        return output

    def open_own(self) -> InputPort | None:
        return self.own if self.has_own else None

    def open_own_output(self) -> OutputPort | None:
        return self.own_output if self.has_own else None

    def close(self) -> None:
        self.closed = True

    def _free(self, name: str) -> None:
        if name in self.busy:
            raise MidiPortError(f"cannot open the MIDI port '{name}': busy")

    def _live(self) -> None:
        if self.is_dead:
            raise MidiUnavailable("the JACK server has gone")
