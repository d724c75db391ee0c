"""When each frame will be heard: the sample clock in seconds of the system's clock.

Two clocks that drift apart: the sound card's, which counts frames, and the system's, which OSC
time tags speak of. Before every block it is looked at how long the block will take to be heard;
single looks are rough (a device takes whole blocks, threads wait), so the line through them is
moved slowly. A jump (sound broke off, the system's clock was set) is followed at once, and a step
(a device lost a period) as soon as all looks for a while have said so::

    heard(frame) = anchor_s + (frame - anchor_frame) * frame_s

Frames are never renumbered, so what is due later stays later, whatever the clocks do.
"""

from __future__ import annotations

JUMP_S = 0.05
"""More than looks differ by themselves: a large block of a device."""
STEP_S, STEP_LASTS_S = 0.002, 0.25
"""Looks that are all off to one side by so much, for so long: longer than any device's block."""
_FEWEST_OFF = 16
SETTLING_S = 10.0
"""Time constant with which drift is followed; 100 ppm of it then cost 1 ms."""


class SampleClock:
    """A line from frames to seconds; one thread observes, any may ask.

    Left alone it is exact: frame 0 at ``start_s`` and ``frame_s`` a frame, as for a file.
    """

    def __init__(self, frame_s: float, start_s: float = 0.0) -> None:
        self.frame_s = frame_s
        self._anchor = (0, start_s)
        self._looks = 0
        self._off: list[float] = []  # errors of the last looks, where all are to one side
        self._off_frame = 0

    def time_of(self, frame: int) -> float:
        """When the beginning of ``frame`` is heard, in s."""
        anchor_frame, anchor_s = self._anchor
        return anchor_s + (frame - anchor_frame) * self.frame_s

    def frame_at(self, time_s: float) -> int:
        """The frame that begins nearest to ``time_s``."""
        anchor_frame, anchor_s = self._anchor
        return anchor_frame + round((time_s - anchor_s) / self.frame_s)

    def observe(self, frame: int, heard_s: float) -> None:
        """A look: ``frame``, the next to be rendered, would be heard at ``heard_s``."""
        believed_s = self.time_of(frame)
        error_s = heard_s - believed_s
        if self._looks == 0 or abs(error_s) > JUMP_S:
            self._looks = 1
            self._anchor = (frame, heard_s)
            self._off.clear()
            return
        if step_s := self._step(frame, error_s):
            self._anchor = (frame, believed_s + step_s)
            return
        self._looks += 1
        elapsed_s = (frame - self._anchor[0]) * self.frame_s
        # The mean of the first looks, then a slow follower.
        share = min(max(1 / self._looks, elapsed_s / SETTLING_S), 1.0)
        self._anchor = (frame, believed_s + share * error_s)

    def _step(self, frame: int, error_s: float) -> float:
        """By how much the looks of the last while are off together; 0 where they are not."""
        off = self._off
        if abs(error_s) < STEP_S or (off and off[-1] * error_s < 0):
            off.clear()
            return 0.0
        if not off:
            self._off_frame = frame
        off.append(error_s)
        if (frame - self._off_frame) * self.frame_s < STEP_LASTS_S or len(off) < _FEWEST_OFF:
            return 0.0
        step_s = min(off, key=abs)
        off.clear()
        return step_s
