"""The output that is heard: changed while playing, replaced while it is lost, tried again.

    playing --- takes no samples ---> lost: the null output takes them, so that time goes on
       ^                                 |
       '---- opens again, fades in ------' every second, after a while every 5 s

Another output is opened before the present one fades, so that a bad one changes nothing. One
thread does all of it.
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
"""A try starts a process: a machine that never had a sound card is not to be busy with it."""
PLAY_OUT_S = 0.5
"""A card that takes this much longer for what waits is not waited for."""

State = Literal["playing", "lost"]


class LiveOutput:
    """Watches the output of a lane; ``switch`` fades from the engine's present lane to another.

    It may begin ``lost``, with a lane to the null output that stands in for ``choice``.

    ``report`` is told when an output was changed, lost or found again. Both it and what is told of
    a change are called in this one's thread.
    """

    def __init__(
        self,
        choice: OutputChoice,
        lane: OutputPath,
        open_lane: Callable[[OutputChoice], OutputPath],
        switch: Callable[[OutputPath], None],
        state: State = "playing",
        watch_s: float = WATCH_S,
        retry_s: float = RETRY_S,
    ) -> None:
        self.choice = choice
        self.state = state
        self.losses = 0
        self._lane = lane
        self._output: Output = lane.output
        self._open_lane = open_lane
        self._switch = switch
        self.report: Callable[[], None] = lambda: None
        self._watch_s = watch_s
        self._retry_s = retry_s
        self._underruns = self._device_xruns = 0
        self._asked: queue.SimpleQueue[tuple[OutputChoice, Then] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="output", daemon=True)

    @property
    def lane(self) -> OutputPath:
        """The way to what is heard now."""
        return self._lane

    @property
    def underruns(self) -> int:
        """How often an output was not given enough."""
        return self._underruns + self._lane.ring.underruns

    @property
    def device_xruns(self) -> int:
        """How often a device told of a dropout of its own."""
        return self._device_xruns + self._lane.ring.device_xruns

    def start(self) -> None:
        """Begin to take samples.

        Raises:
            OutputError: the device does not start.
        """
        self._output.start(self._lane.ring)
        self._thread.start()

    def change(self, choice: OutputChoice, then: Then) -> None:
        """Play on ``choice`` instead; returns at once."""
        self._asked.put((choice, then))

    def stop(self) -> None:
        """End; may be called twice."""
        self._asked.put(None)
        if self._thread.is_alive():
            self._thread.join()
        self._output.stop()

    def _run(self) -> None:
        tried_s, pause_s = time.monotonic(), self._retry_s
        while True:
            try:
                asked = self._asked.get(timeout=self._watch_s)
            except queue.Empty:
                pass
            else:
                if asked is None:
                    return
                self._carry_out(*asked)
                continue
            if self.state == "playing" and self._output.is_lost():
                self._lose()
                tried_s, pause_s = time.monotonic(), self._retry_s
            elif self.state == "lost" and time.monotonic() - tried_s >= pause_s:
                self._try_again()
                tried_s, pause_s = time.monotonic(), min(pause_s * RETRY_GROWTH, LONGEST_RETRY_S)

    def _carry_out(self, choice: OutputChoice, then: Then) -> None:
        try:
            self._open(choice)
        except OutputError as error:
            then(str(error))
            return
        logger.info("output %s at %g Hz", self._output.name, self._output.sample_rate_hz)
        then(None)
        self.report()

    def _lose(self) -> None:
        """Go on without the card, at once and with what waits for it."""
        logger.warning(
            "the sound card '%s' was lost; playing on without sound, trying it again",
            self._output.name,
        )
        self._output.stop()
        lost = self._output
        self._output = NullOutput(lost.sample_rate_hz, lost.channels)
        self._output.start(self._lane.ring)
        self.losses += 1
        self.state = "lost"
        self.report()

    def _try_again(self) -> None:
        try:
            self._open(self.choice)
        except OutputError as error:
            logger.debug("the sound card is not there (%s)", error)
            return
        logger.warning("the sound card '%s' plays", self._output.name)
        self.report()

    def _open(self, choice: OutputChoice) -> None:
        """Fade to ``choice``.

        Raises:
            OutputError: it cannot be opened; what was before plays on.
        """
        lane = self._open_lane(choice)
        try:
            lane.output.start(lane.ring)
        except OutputError:
            lane.output.stop()
            raise
        self._switch(lane)
        before, output = self._lane, self._output
        self._underruns += before.ring.underruns
        self._device_xruns += before.ring.device_xruns
        self._lane, self._output = lane, lane.output
        self.choice, self.state = choice, "playing"
        _let_play_out(before)
        output.stop()


def _let_play_out(lane: OutputPath) -> None:
    """Wait until what a lane was given last, its fade, has been heard; not on a dead card."""
    deadline_s = time.monotonic() + lane.waiting_s + PLAY_OUT_S
    while lane.waiting_s and time.monotonic() < deadline_s:
        time.sleep(0.005)
    time.sleep(lane.output.latency_s)
