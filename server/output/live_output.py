"""The live output: can be changed while playing, and survives the loss of a sound card.

    playing --- takes no samples ---> lost: the null output takes them, so that time goes on
       ^                                 |
       '---- opens again, fades in ------' every second, later every 5 s

A new output opens before the present one fades out, so that a failure changes nothing. One thread
does all of it.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Literal

from server.output.choice import OutputChoice
from server.output.null import NullOutput
from server.output.output_path import OutputPath
from server.output.protocol import Output, OutputError
from server.system.callbacks import Then

logger = logging.getLogger(__name__)

WATCH_S = 0.1
RETRY_S = 1.0
LONGEST_RETRY_S = 5.0
RETRY_GROWTH = 1.1
"""Each retry starts a process: a machine without a sound card must not be kept busy by it."""
PLAY_OUT_S = 0.5
"""The extra time a card gets to play what is left in its ring."""

State = Literal["playing", "lost"]


class LiveOutput:
    """Watches the output of a path; ``switch`` fades from the engine's present path to another.

    It may begin ``lost``, with a path to the null output that stands in for ``choice``.

    ``report`` is called when an output was changed, lost or found again. Both it and the callbacks
    of a change run in this object's thread.
    """

    def __init__(
        self,
        choice: OutputChoice,
        path: OutputPath,
        open_path: Callable[[OutputChoice], OutputPath],
        switch: Callable[[OutputPath], None],
        state: State = "playing",
        watch_s: float = WATCH_S,
        retry_s: float = RETRY_S,
    ) -> None:
        self.choice = choice
        self.state = state
        self.losses = 0
        self._path = path
        self._output: Output = path.output
        self._open_path = open_path
        self._switch = switch
        self.report: Callable[[], None] = lambda: None
        self._watch_s = watch_s
        self._retry_s = retry_s
        self._underruns = self._device_xruns = 0
        self._requests: queue.SimpleQueue[tuple[OutputChoice, Then] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="output", daemon=True)

    @property
    def path(self) -> OutputPath:
        """The present path to the output."""
        return self._path

    @property
    def underruns(self) -> int:
        """The number of times an output ran out of samples."""
        return self._underruns + self._path.ring.underruns

    @property
    def device_xruns(self) -> int:
        """The number of xruns that devices reported."""
        return self._device_xruns + self._path.ring.device_xruns

    def start(self) -> None:
        """Start taking samples.

        Raises:
            OutputError: the device does not start.
        """
        self._output.start(self._path.ring)
        self._thread.start()

    def change(self, choice: OutputChoice, then: Then) -> None:
        """Switch to ``choice``; returns at once."""
        self._requests.put((choice, then))

    def stop(self) -> None:
        """Stop; may be called twice."""
        self._requests.put(None)
        if self._thread.is_alive():
            self._thread.join()
        self._output.stop()

    def _run(self) -> None:
        last_try_s, pause_s = time.monotonic(), self._retry_s
        while True:
            try:
                request = self._requests.get(timeout=self._watch_s)
            except queue.Empty:
                pass
            else:
                if request is None:
                    return
                self._change(*request)
                continue
            if self.state == "playing" and self._output.is_lost():
                self._lose()
                last_try_s, pause_s = time.monotonic(), self._retry_s
            elif self.state == "lost" and time.monotonic() - last_try_s >= pause_s:
                self._retry()
                last_try_s, pause_s = time.monotonic(), min(pause_s * RETRY_GROWTH, LONGEST_RETRY_S)

    def _change(self, choice: OutputChoice, then: Then) -> None:
        try:
            self._open(choice)
        except OutputError as error:
            then(str(error))
            return
        logger.info("output %s at %g Hz", self._output.name, self._output.sample_rate_hz)
        then(None)
        self.report()

    def _lose(self) -> None:
        """Continue without the card, taking over the samples in its ring."""
        logger.warning(
            "lost the sound card '%s'; continuing without sound, trying to reopen it",
            self._output.name,
        )
        self._output.stop()
        lost = self._output
        self._output = NullOutput(lost.sample_rate_hz, lost.channels)
        self._output.start(self._path.ring)
        self.losses += 1
        self.state = "lost"
        self.report()

    def _retry(self) -> None:
        try:
            self._open(self.choice)
        except OutputError as error:
            logger.debug("the sound card is still missing (%s)", error)
            return
        logger.warning("the sound card '%s' is back", self._output.name)
        self.report()

    def _open(self, choice: OutputChoice) -> None:
        """Fade to ``choice``.

        Raises:
            OutputError: it cannot be opened; the present output plays on.
        """
        path = self._open_path(choice)
        try:
            path.output.start(path.ring)
        except OutputError:
            path.output.stop()
            raise
        self._switch(path)
        previous, output = self._path, self._output
        self._underruns += previous.ring.underruns
        self._device_xruns += previous.ring.device_xruns
        self._path, self._output = path, path.output
        self.choice, self.state = choice, "playing"
        _let_play_out(previous)
        output.stop()


def _let_play_out(path: OutputPath) -> None:
    """Wait until a path's last samples, its fade-out, were heard; give up on a dead card."""
    deadline_s = time.monotonic() + path.waiting_s + PLAY_OUT_S
    while path.waiting_s and time.monotonic() < deadline_s:
        time.sleep(0.005)
    time.sleep(path.output.latency_s)
