"""Flushing denormals to zero: they are inaudible, but cost a hundred times more to compute with.

ONNX Runtime's ``session.set_denormal_as_zero`` affects its own threads and, once per process, the
thread that creates the first session (seen in 1.31); with one thread the decoder runs in ours. The
mode is part of a thread's floating-point environment, which C's ``fesetenv`` sets.
"""

from __future__ import annotations

import ctypes
import platform
import sys

_ENVIRONMENT_WORDS = 8
_FLUSH_BITS = {"x86_64": (7, 0x8040), "aarch64": (0, 1 << 24)}
"""The word of glibc's ``fenv_t`` and the bits in it: MXCSR's FTZ and DAZ, FPCR's FZ."""


def flush_denormals() -> bool:
    """Flush denormals to zero in the calling thread; return False where that is not supported."""
    flush_bits = _FLUSH_BITS.get(platform.machine())
    if sys.platform != "linux" or flush_bits is None:
        return False
    try:
        libm = ctypes.CDLL("libm.so.6")
    except OSError:  # another C library, whose fenv_t may have another layout
        return False
    environment = (ctypes.c_uint32 * _ENVIRONMENT_WORDS)()
    libm.fegetenv(environment)
    word, bits = flush_bits
    environment[word] |= bits
    return bool(libm.fesetenv(environment) == 0)
