"""The latency from a control to its sound: a table of its parts."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields


@dataclass(frozen=True)
class Latency:
    """The parts of the latency from a changed value to its sound, each in ms.

    The desk is read when a block begins, which then enters a ring that holds all blocks but one; a
    change waits half a block for that, on average::

        value changes ... | block n is rendered, ring holds R-1 blocks | ... heard
           wait (1/2)       block (1)              ring (R - 2)   device, window, resampler,
                                                                  transposing

    ``smoothing`` is the time constant of the glide, after which 63 % of the way is done.
    """

    wait_ms: float
    block_ms: float
    ring_ms: float
    device_ms: float
    synthesis_window_ms: float
    resampler_ms: float
    transposing_ms: float
    smoothing_ms: float

    @property
    def total_ms(self) -> float:
        """The sum of all parts."""
        return float(sum(astuple(self)))

    def table(self) -> str:
        """Return the parts, one per line, and their sum."""
        rows = [(part.name.removesuffix("_ms"), getattr(self, part.name)) for part in fields(self)]
        named = [(name.replace("_", " "), value) for name, value in (*rows, ("sum", self.total_ms))]
        return "\n".join(f"  {name:<16} {value:7.1f} ms" for name, value in named)


def latency(
    *,
    block_s: float,
    ring_s: float,
    device_s: float,
    window_s: float,
    resampler_s: float,
    transposing_s: float,
    smoothing_s: float,
) -> Latency:
    """Build the table for blocks of ``block_s`` and a ring of ``ring_s``, two blocks or more."""
    return Latency(
        wait_ms=1e3 * block_s / 2,
        block_ms=1e3 * block_s,
        ring_ms=1e3 * (ring_s - 2 * block_s),
        device_ms=1e3 * device_s,
        synthesis_window_ms=1e3 * window_s,
        resampler_ms=1e3 * resampler_s,
        transposing_ms=1e3 * transposing_s,
        smoothing_ms=1e3 * smoothing_s,
    )
