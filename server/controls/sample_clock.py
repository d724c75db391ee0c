"""The sample clock: when each frame will be heard, in seconds of the system's clock.

The sound card's clock, which counts frames, and the system's, which OSC time tags refer to, drift
apart. Before every block the time until it will be heard is measured; single measurements are rough
(a device takes whole blocks, threads wait), so the line through them moves slowly. A jump (sound
broke off, the system's clock was set) is followed at once, and a step (a device lost a period) as
soon as all measurements for a while agree::

    heard(frame) = anchor_s + (frame - anchor_frame) * frame_s

Frames are never renumbered, so what is due later stays later, whatever the clocks do.
"""

from __future__ import annotations

JUMP_S = 0.05
"""More than measurements normally differ: a large block of a device."""
STEP_S, STEP_LASTS_S = 0.002, 0.25
"""Measurements that are all off to one side by this much, for this long: longer than any device's
block.
"""
_FEWEST_OFF = 16
SETTLING_S = 10.0
"""Time constant with which drift is followed; a drift of 100 ppm then costs 1 ms."""


class SampleClock:
    """A line from frames to seconds; one thread observes, any may read.

    Without observations it is exact: frame 0 at ``start_s`` and ``frame_s`` per frame, as for a
    file.
    """

    def __init__(self, frame_s: float, start_s: float = 0.0) -> None:
        self.frame_s = frame_s
        self._anchor = (0, start_s)
        self._observations = 0
        self._errors: list[float] = []  # of the last observations, while all are to one side
        self._errors_frame = 0

    def time_of(self, frame: int) -> float:
        """Return when the beginning of ``frame`` is heard, in s."""
        anchor_frame, anchor_s = self._anchor
        return anchor_s + (frame - anchor_frame) * self.frame_s

    def frame_at(self, time_s: float) -> int:
        """Return the frame that begins nearest to ``time_s``."""
        anchor_frame, anchor_s = self._anchor
        return anchor_frame + round((time_s - anchor_s) / self.frame_s)

    def observe(self, frame: int, heard_s: float) -> None:
        """Record that ``frame``, the next to be rendered, would be heard at ``heard_s``."""
        expected_s = self.time_of(frame)
        error_s = heard_s - expected_s
        if self._observations == 0 or abs(error_s) > JUMP_S:
            self._observations = 1
            self._anchor = (frame, heard_s)
            self._errors.clear()
            return
        if step_s := self._step(frame, error_s):
            self._anchor = (frame, expected_s + step_s)
            return
        self._observations += 1
        elapsed_s = (frame - self._anchor[0]) * self.frame_s
        # The mean of the first observations, then a slow follower.
        share = min(max(1 / self._observations, elapsed_s / SETTLING_S), 1.0)
        self._anchor = (frame, expected_s + share * error_s)

    def _step(self, frame: int, error_s: float) -> float:
        """The step that the recent observations agree on; 0 where there is none."""
        errors = self._errors
        if abs(error_s) < STEP_S or (errors and errors[-1] * error_s < 0):
            errors.clear()
            return 0.0
        if not errors:
            self._errors_frame = frame
        errors.append(error_s)
        if (frame - self._errors_frame) * self.frame_s < STEP_LASTS_S or len(errors) < _FEWEST_OFF:
            return 0.0
        step_s = min(errors, key=abs)
        errors.clear()
        return step_s
