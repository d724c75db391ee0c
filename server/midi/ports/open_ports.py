"""The open MIDI ports, kept up to date as devices come and go.

Each input is known by its stable name (``names.stable_name``); ``send`` answers on the output that
belongs to it, which is opened when there is something to send. If the MIDI system itself goes, as a
JACK server may, everything is closed, and each scan tries again.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from server.midi.ports.backend import (
    OWN_NAME,
    InputPort,
    MidiBackend,
    MidiPortError,
    MidiUnavailable,
)
from server.midi.ports.names import stable_name
from server.midi.ports.outputs import MidiOutputs
from server.midi.ports.rtmidi_backend import RtMidiBackend

logger = logging.getLogger(__name__)

OpenBackend = Callable[[], MidiBackend]


@dataclass(frozen=True)
class PortChanges:
    """The inputs that have ``gone`` and that ``came`` since the last scan, by their stable names.

    An input whose output came counts as one that came.
    """

    gone: tuple[str, ...] = ()
    came: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.gone or self.came)


@dataclass(frozen=True)
class _Input:
    """An open port, and its stable name."""

    name: str
    port: InputPort


class MidiPorts:
    """All open ports; for one thread."""

    def __init__(self, choice: str, open_backend: OpenBackend) -> None:
        self._choice = choice
        self._open_backend = open_backend
        self._backend: MidiBackend | None = None
        self._own: InputPort | None = None
        self._open: dict[str, _Input] = {}
        self._outputs = MidiOutputs()
        self._refused: set[str] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """The open inputs, by their stable names."""
        own = (OWN_NAME,) if self._own else ()
        return (*(one.name for one in self._open.values()), *own)

    def open(self) -> None:
        """Open the chosen ports; on a machine without MIDI, log a line.

        Raises:
            MidiPortError: a port was named and does not exist.
        """
        try:
            self._begin()
        except MidiUnavailable as error:
            if self._choice != "all":
                raise MidiPortError(f"no MIDI port '{self._choice}': {error}") from error
            logger.warning("no MIDI: %s", error)
            return
        assert self._backend is not None
        if self._choice != "all" and not self._chosen(self._backend.names()):
            present = ", ".join(f"'{name}'" for name in self._backend.names()) or "none"
            self.close()
            raise MidiPortError(
                f"no MIDI port '{self._choice}'; there are: {present}; or choose --midi all or none"
            )
        self.scan()

    def scan(self) -> PortChanges:
        """Close what has gone, open what has come."""
        previous = self.names
        try:
            if self._backend is None:
                self._begin()
            assert self._backend is not None
            unplugged = self._backend.unplugged()
            absent = set(self._open) - set(self._chosen(self._backend.names()))
            gone = self._drop(unplugged | absent)
            self._open_new(self._backend)
            with_new_output = self._outputs.scan(self._backend, self._inputs(), unplugged)
        except MidiUnavailable as error:
            if self._backend is not None:
                logger.warning("no MIDI any more: %s; trying again until it is back", error)
            self.close()
            gone, with_new_output = previous, []
        stayed = set(previous) - set(gone)
        came = [name for name in self.names if name not in stayed or name in with_new_output]
        return PortChanges(gone, tuple(came))

    def messages(self) -> list[tuple[str, Sequence[int]]]:
        """Return the messages since the last call, port by port, each with its port's name."""
        own = [_Input(OWN_NAME, self._own)] if self._own else []
        return [
            (one.name, message)
            for one in (*self._open.values(), *own)
            for message in one.port.messages()
        ]

    def send(self, name: str, message: Sequence[int]) -> None:
        """Send ``message`` on the output that belongs to the input ``name``, if there is one."""
        if self._backend is not None:
            self._outputs.send(self._backend, self._inputs(), name, message)

    def close(self) -> None:
        """Close everything, outputs first: no client may be left when a new one is made."""
        self._outputs.close()
        for port in (*(one.port for one in self._open.values()), self._own):
            if port:
                port.close()
        self._open.clear()
        self._own = None
        if self._backend:
            self._backend.close()
            self._backend = None

    def _begin(self) -> None:
        self._backend = self._open_backend()
        if self._choice == "all":
            self._own = self._backend.open_own()
            self._outputs.set_own(self._backend.open_own_output())

    def _inputs(self) -> dict[str, str]:
        """Return the system's names of the open inputs, by their stable names."""
        return {one.name: system for system, one in self._open.items()}

    def _drop(self, systems: set[str]) -> tuple[str, ...]:
        """Close those of ``systems`` that are open; return their stable names."""
        gone = [(system, one) for system, one in self._open.items() if system in systems]
        for system, one in gone:
            logger.warning("MIDI port '%s' has gone", one.name)
            self._outputs.drop(one.name)
            one.port.close()
            del self._open[system]
        return tuple(one.name for _, one in gone)

    def _open_new(self, backend: MidiBackend) -> None:
        chosen = self._chosen(backend.names())
        self._refused &= set(chosen)
        for system in chosen:
            if system not in self._open:
                self._try(backend, system)

    def _chosen(self, names: list[str]) -> list[str]:
        if self._choice == "all":
            return names
        exact = [name for name in names if self._choice in (name, stable_name(name))]
        return exact or [name for name in names if self._choice.lower() in name.lower()]

    def _try(self, backend: MidiBackend, system: str) -> None:
        try:
            port = backend.open(system)
        except MidiPortError as error:
            if system not in self._refused:
                logger.warning("%s", error)
            self._refused.add(system)
        else:
            self._refused.discard(system)
            name = stable_name(system, self._inputs())
            self._open[system] = _Input(name, port)
            logger.info("MIDI port '%s' is open", name)


def midi_port_names(open_backend: OpenBackend = RtMidiBackend) -> list[str]:
    """Return the inputs that ``--midi NAME`` may name; none on a machine without MIDI."""
    try:
        backend = open_backend()
    except MidiUnavailable:
        return []
    with contextlib.closing(backend):
        return backend.names()
