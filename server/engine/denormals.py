"""Numbers too small to be heard cost a hundred times more; the engine's thread takes them as zero.

ONNX Runtime's ``session.set_denormal_as_zero`` reaches its own threads and, once in a process,
whichever thread makes the first session (seen in 1.31); with one thread the decoder runs in
ours. The mode is part of a thread's floating-point environment, which C's ``fesetenv`` sets.
"""

from __future__ import annotations

import ctypes
import platform
import sys

_ENVIRONMENT_WORDS = 8
_FLUSH_BITS = {"x86_64": (7, 0x8040), "aarch64": (0, 1 << 24)}
"""Word of glibc's ``fenv_t`` and bits in it: MXCSR's FTZ and DAZ, FPCR's FZ."""


def flush_denormals() -> bool:
    """Take denormals as zero in the calling thread; False where we do not know how to."""
    place = _FLUSH_BITS.get(platform.machine())
    if sys.platform != "linux" or place is None:
        return False
    try:
        libm = ctypes.CDLL("libm.so.6")
    except OSError:  # another C library, which may lay its fenv_t out differently
        return False
    environment = (ctypes.c_uint32 * _ENVIRONMENT_WORDS)()
    libm.fegetenv(environment)
    word, bits = place
    environment[word] |= bits
    return bool(libm.fesetenv(environment) == 0)
