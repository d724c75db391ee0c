"""The MIDI ports that are open, kept up to date as devices come and go.

Each input is known by a name that lasts (``names.lasting``); ``send`` answers on the output that
belongs to it, which is opened when there is something to say. Where the whole system goes, as a
JACK server may, everything is closed, and all is tried again at each look.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from server.midi.ports.names import lasting
from server.midi.ports.outlets import Outlets
from server.midi.ports.rtmidi_source import RtMidiSource
from server.midi.ports.source import OWN_NAME, MidiPort, MidiPortError, MidiSource, MidiUnavailable

logger = logging.getLogger(__name__)

OpenSource = Callable[[], MidiSource]


@dataclass(frozen=True)
class PortChanges:
    """What a look has found: ports that have ``gone`` and that ``came``, by their lasting names.

    One whose output came is among those that came.
    """

    gone: tuple[str, ...] = ()
    came: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.gone or self.came)


@dataclass(frozen=True)
class _Input:
    """An open port, and the name that it keeps."""

    name: str
    port: MidiPort


class MidiPorts:
    """The ports that are open, as the names of what is there come and go; for one thread."""

    def __init__(self, choice: str, open_source: OpenSource) -> None:
        self._choice = choice
        self._open_source = open_source
        self._source: MidiSource | None = None
        self._own: MidiPort | None = None
        self._open: dict[str, _Input] = {}
        self._outlets = Outlets()
        self._refused: set[str] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """The inputs that are open, by their lasting names."""
        own = (OWN_NAME,) if self._own else ()
        return (*(one.name for one in self._open.values()), *own)

    def open(self) -> None:
        """Open what is wanted; a line in the log on a machine without MIDI.

        Raises:
            MidiPortError: a port was named and is not there.
        """
        try:
            self._begin()
        except MidiUnavailable as error:
            if self._choice != "all":
                raise MidiPortError(f"no MIDI port '{self._choice}': {error}") from error
            logger.warning("no MIDI: %s", error)
            return
        assert self._source is not None
        if self._choice != "all" and not self._wanted(self._source.names()):
            there = ", ".join(f"'{name}'" for name in self._source.names()) or "none"
            self.close()
            raise MidiPortError(
                f"no MIDI port '{self._choice}'; there are: {there}; or choose --midi all or none"
            )
        self.look()

    def look(self) -> PortChanges:
        """Close what has gone, open what has come."""
        before = self.names
        try:
            if self._source is None:
                self._begin()
            assert self._source is not None
            went = self._source.went()
            gone = self._drop(went | (set(self._open) - set(self._wanted(self._source.names()))))
            self._follow(self._source)
            answering = self._outlets.look(self._source, self._inputs(), went)
        except MidiUnavailable as error:
            if self._source is not None:
                logger.warning("no MIDI any more: %s; it is heard again when it is back", error)
            self.close()
            gone, answering = before, []
        stayed = set(before) - set(gone)
        came = [name for name in self.names if name not in stayed or name in answering]
        return PortChanges(gone, tuple(came))

    def messages(self) -> list[tuple[str, Sequence[int]]]:
        """What has come since the last call, port by port, each with its port's name."""
        own = [_Input(OWN_NAME, self._own)] if self._own else []
        return [
            (one.name, message)
            for one in (*self._open.values(), *own)
            for message in one.port.messages()
        ]

    def send(self, name: str, message: Sequence[int]) -> None:
        """Send ``message`` on the output that belongs to the input ``name``, if there is one."""
        if self._source is not None:
            self._outlets.send(self._source, self._inputs(), name, message)

    def close(self) -> None:
        """Close everything, the outputs first: no client may be left when a new one is made."""
        self._outlets.close()
        for port in (*(one.port for one in self._open.values()), self._own):
            if port:
                port.close()
        self._open.clear()
        self._own = None
        if self._source:
            self._source.close()
            self._source = None

    def _begin(self) -> None:
        self._source = self._open_source()
        if self._choice == "all":
            self._own = self._source.open_own()
            self._outlets.own(self._source.open_own_output())

    def _inputs(self) -> dict[str, str]:
        """What the system calls each open input, by its lasting name."""
        return {one.name: system for system, one in self._open.items()}

    def _drop(self, systems: set[str]) -> tuple[str, ...]:
        """Close those of them that are open; their lasting names."""
        gone = [(system, one) for system, one in self._open.items() if system in systems]
        for system, one in gone:
            logger.warning("MIDI port '%s' has gone", one.name)
            self._outlets.drop(one.name)
            one.port.close()
            del self._open[system]
        return tuple(one.name for _, one in gone)

    def _follow(self, source: MidiSource) -> None:
        """Open what has come."""
        wanted = self._wanted(source.names())
        self._refused &= set(wanted)
        for system in wanted:
            if system not in self._open:
                self._try(source, system)

    def _wanted(self, names: list[str]) -> list[str]:
        if self._choice == "all":
            return names
        exact = [name for name in names if self._choice in (name, lasting(name))]
        return exact or [name for name in names if self._choice.lower() in name.lower()]

    def _try(self, source: MidiSource, system: str) -> None:
        try:
            port = source.open(system)
        except MidiPortError as error:
            if system not in self._refused:
                logger.warning("%s", error)
            self._refused.add(system)
        else:
            self._refused.discard(system)
            name = lasting(system, self._inputs())
            self._open[system] = _Input(name, port)
            logger.info("MIDI port '%s' is open", name)


def midi_port_names(open_source: OpenSource = RtMidiSource) -> list[str]:
    """The inputs that ``--midi NAME`` may name; none where there is no MIDI."""
    try:
        source = open_source()
    except MidiUnavailable:
        return []
    with contextlib.closing(source):
        return source.names()
