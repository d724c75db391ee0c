"""Names of ports: the part that survives replugging, and the output of an input.

of the system                       stable                   its output
nanoKONTROL2:CTRL 24:0   (ALSA)     nanoKONTROL2:CTRL        nanoKONTROL2:CTRL 24:0
system:midi_capture_1    (JACK)     system:midi_capture_1    system:midi_playback_1
nanoKONTROL2 1           (Windows)  nanoKONTROL2             nanoKONTROL2 2
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Sequence

_COUNTED = re.compile(r" \d+:\d+$| \[\d+\]" + (r"| \d+$" if sys.platform == "win32" else ""))
"""Numbers that ALSA, a2jmidid and, on Windows, RtMidi add in the order of plugging."""
_DIRECTION = re.compile(r"(?<![a-z])(midi)?(in|out|input|output|capture|playback)(?![a-z])")


def numbered(names: Sequence[str]) -> list[str]:
    """Number the second and later of equal names.

    >>> numbered(["Knobs", "Pads", "Knobs"])
    ['Knobs', 'Pads', 'Knobs (2)']
    """
    counts = [names[: index + 1].count(name) for index, name in enumerate(names)]
    return [
        name if count == 1 else f"{name} ({count})"
        for name, count in zip(names, counts, strict=True)
    ]


def stable_name(name: str, taken: Collection[str] = ()) -> str:
    """Return the part of ``name`` that survives replugging; numbered if it is ``taken``.

    >>> stable_name("Knobs:Knobs MIDI 1 24:0"), stable_name("Knobs 28:0", {"Knobs"})
    ('Knobs:Knobs MIDI 1', 'Knobs (2)')
    """
    plain = _COUNTED.sub("", name)
    count, free = 2, plain
    while free in taken:
        count, free = count + 1, f"{plain} ({count})"
    return free


def output_of(name: str, outputs: Sequence[str]) -> str | None:
    """Return the one of ``outputs`` that belongs to the input ``name``, if any.

    >>> output_of("knobs:out", ["synth:in", "knobs:in"])
    'knobs:in'
    """
    if name in outputs:
        return name
    return next((output for output in outputs if _plain(output) == _plain(name)), None)


def _plain(name: str) -> str:
    """Return ``name`` without the words for a direction."""
    without = _DIRECTION.sub(lambda found: found[1] or "", _COUNTED.sub("", name).lower())
    return " ".join(re.findall(r"[^\W_]+", without))
