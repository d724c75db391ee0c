"""The MIDI ports that are open, kept up to date as devices come and go."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence

from server.midi.source import (
    CLIENT_NAME,
    OWN_PORT_NAME,
    MidiPort,
    MidiPortError,
    MidiSource,
    MidiUnavailable,
    RtMidiSource,
)

logger = logging.getLogger(__name__)

OWN_NAME = f"{CLIENT_NAME}:{OWN_PORT_NAME}"

OpenSource = Callable[[], MidiSource]


class MidiPorts:
    """The ports that are open, as the names of what is there come and go; for one thread."""

    def __init__(self, choice: str, open_source: OpenSource) -> None:
        self._choice = choice
        self._open_source = open_source
        self._source: MidiSource | None = None
        self._own: MidiPort | None = None
        self._open: dict[str, MidiPort] = {}
        self._refused: set[str] = set()

    def open(self) -> bool:
        """Open what is wanted; False, and a line in the log, on a machine without MIDI.

        Raises:
            MidiPortError: a port was named and is not there.
        """
        try:
            self._source = self._open_source()
        except MidiUnavailable as error:
            if self._choice != "all":
                raise MidiPortError(f"no MIDI port '{self._choice}': {error}") from error
            logger.warning("no MIDI: %s", error)
            return False
        if self._choice != "all" and not self._wanted(self._source):
            there = ", ".join(f"'{name}'" for name in self._source.names()) or "none"
            self._source.close()
            raise MidiPortError(
                f"no MIDI port '{self._choice}'; there are: {there}; or choose --midi all or none"
            )
        if self._choice == "all":
            self._own = self._source.open_own()
        self.look()
        return True

    def look(self) -> list[str]:
        """Close what has gone, open what has come; the names of what has gone."""
        if self._source is None:
            return []
        wanted = self._wanted(self._source)
        self._refused &= set(wanted)
        gone = [name for name in self._open if name not in wanted]
        for name in gone:
            logger.warning("MIDI port '%s' has gone", name)
            self._open.pop(name).close()
        for name in wanted:
            if name not in self._open:
                self._try(self._source, name)
        return gone

    def messages(self) -> list[tuple[str, Sequence[int]]]:
        """What has come since the last call, port by port, each with its port's name."""
        own = [(OWN_NAME, self._own)] if self._own else []
        ports = [*self._open.items(), *own]
        return [(name, message) for name, port in ports for message in port.messages()]

    def close(self) -> None:
        """Close everything."""
        for port in (*self._open.values(), self._own):
            if port:
                port.close()
        self._open.clear()
        self._own = None
        if self._source:
            self._source.close()
            self._source = None

    def _wanted(self, source: MidiSource) -> list[str]:
        names = source.names()
        if self._choice == "all":
            return names
        exact = [name for name in names if name == self._choice]
        return exact or [name for name in names if self._choice.lower() in name.lower()]

    def _try(self, source: MidiSource, name: str) -> None:
        try:
            self._open[name] = source.open(name)
        except MidiPortError as error:
            if name not in self._refused:
                logger.warning("%s", error)
            self._refused.add(name)
        else:
            self._refused.discard(name)
            logger.info("MIDI port '%s' is open", name)


def midi_port_names(open_source: OpenSource = RtMidiSource) -> list[str]:
    """The inputs that ``--midi NAME`` may name; none where there is no MIDI."""
    try:
        source = open_source()
    except MidiUnavailable:
        return []
    with contextlib.closing(source):
        return source.names()
