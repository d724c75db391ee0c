"""OSC time tags (NTP) and seconds of the system's clock (Unix).

A tag is 32 bits of seconds and 32 of their fraction, and wraps every 136 years: the first era began
in 1900, the second begins on 7 February 2036. A tag is taken to be in the era in which it is
nearest to the present (RFC 5905, section 6).
"""

from __future__ import annotations

ERA_S = 2**32
UNIX_EPOCH_S = 2_208_988_800
"""1 January 1970 in seconds of the first era."""


def unix_s(time_tag: int, now_s: float) -> float:
    """Return the Unix time of ``time_tag`` at ``now_s``.

    >>> unix_s(UNIX_EPOCH_S << 32, now_s=10.0)
    0.0
    """
    in_era_s = time_tag / 2**32 - UNIX_EPOCH_S
    return in_era_s + ERA_S * round((now_s - in_era_s) / ERA_S)


def time_tag(time_s: float) -> int:
    """Return the tag of a Unix time.

    >>> hex(time_tag(0.5))
    '0x83aa7e8080000000'
    """
    return round((time_s + UNIX_EPOCH_S) * 2**32) % 2**64
