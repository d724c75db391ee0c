"""The outputs that belong to open inputs, opened when there is something to send."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from server.midi.ports.backend import OWN_NAME, MidiBackend, MidiPortError, OutputPort
from server.midi.ports.names import output_of

logger = logging.getLogger(__name__)


class MidiOutputs:
    """Outputs by the stable name of their input; for one thread.

    The methods take ``inputs``: the system's names of the open inputs, by their stable names.
    """

    def __init__(self) -> None:
        self._own: OutputPort | None = None
        self._open: dict[str, tuple[str, OutputPort]] = {}
        self._without: set[str] = set()

    def set_own(self, output: OutputPort | None) -> None:
        """Use ``output`` for what is sent to the program's own port."""
        self._own = output

    def send(
        self, backend: MidiBackend, inputs: Mapping[str, str], name: str, message: Sequence[int]
    ) -> None:
        """Send ``message`` to the output of the input ``name``; dropped if it has none."""
        if name == OWN_NAME:
            if self._own:
                self._own.send(message)
            return
        if name in inputs and name not in self._open and name not in self._without:
            self._try(backend, name, inputs[name], backend.output_names())
        if name in self._open:
            self._open[name][1].send(message)

    def scan(
        self, backend: MidiBackend, inputs: Mapping[str, str], unplugged: set[str]
    ) -> list[str]:
        """Close what has gone, try again what could not be opened.

        Returns the inputs that have an output now and had none.
        """
        if not self._open and not self._without:
            return []
        present = backend.output_names()
        alive = set(present) - unplugged
        for name in [name for name, (system, _) in self._open.items() if system not in alive]:
            self.drop(name)
            self._without.add(name)
        tried, self._without = self._without & set(inputs), set()
        for name in tried:
            self._try(backend, name, inputs[name], present)
        return [name for name in tried if name in self._open]

    def drop(self, name: str) -> None:
        """Close the output of the input ``name``, which has gone."""
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

    def _try(self, backend: MidiBackend, name: str, system: str, present: Sequence[str]) -> None:
        output = output_of(system, present)
        try:
            if output is not None:
                self._open[name] = (output, backend.open_output(output))
                return
        except MidiPortError as error:
            logger.debug("%s", error)
        self._without.add(name)
