"""The outputs that belong to open inputs, opened when there is something to say."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from server.midi.ports.names import way_back
from server.midi.ports.source import OWN_NAME, MidiOutlet, MidiPortError, MidiSource

logger = logging.getLogger(__name__)


class Outlets:
    """By the lasting name of the input; for one thread."""

    def __init__(self) -> None:
        self._own: MidiOutlet | None = None
        self._open: dict[str, tuple[str, MidiOutlet]] = {}
        self._without: set[str] = set()

    def own(self, outlet: MidiOutlet | None) -> None:
        """The way back of our own port."""
        self._own = outlet

    def send(
        self, source: MidiSource, inputs: Mapping[str, str], name: str, message: Sequence[int]
    ) -> None:
        """Send ``message`` to where the input ``name`` comes from; dropped where there is no way.

        ``inputs`` says what the system calls each open input.
        """
        if name == OWN_NAME:
            if self._own:
                self._own.send(message)
            return
        if name in inputs and name not in self._open and name not in self._without:
            self._try(source, name, inputs[name], source.output_names())
        if name in self._open:
            self._open[name][1].send(message)

    def look(self, source: MidiSource, inputs: Mapping[str, str], went: set[str]) -> list[str]:
        """Close what has gone, try again what could not be had; the inputs that got one."""
        if not self._open and not self._without:
            return []
        there = source.output_names()
        here = set(there) - went
        for name in [name for name, (system, _) in self._open.items() if system not in here]:
            self.drop(name)
            self._without.add(name)
        tried, self._without = self._without & set(inputs), set()
        for name in tried:
            self._try(source, name, inputs[name], there)
        return [name for name in tried if name in self._open]

    def drop(self, name: str) -> None:
        """The input ``name`` has gone."""
        self._without.discard(name)
        if name in self._open:
            self._open.pop(name)[1].close()

    def close(self) -> None:
        """Close everything."""
        for name in list(self._open):
            self.drop(name)
        self._without.clear()
        if self._own:
            self._own.close()
            self._own = None

    def _try(self, source: MidiSource, name: str, system: str, there: Sequence[str]) -> None:
        output = way_back(system, there)
        try:
            if output is not None:
                self._open[name] = (output, source.open_output(output))
                return
        except MidiPortError as error:
            logger.debug("%s", error)
        self._without.add(name)
