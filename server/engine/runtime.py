"""ONNX Runtime sessions: device, threads, and settings for real time.

The provider list falls back to the CPU silently, so the session is asked afterwards which one it
runs on (``InferenceSession.get_providers``), and the user is told if CUDA was asked for in vain. On
the CPU: one thread, no spinning between calls, denormals as zero.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import logging
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import onnxruntime

logger = logging.getLogger(__name__)

Device = Literal["auto", "cpu", "cuda"]
CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"

_CUDA_REMEDY = (
    "run it as 'uv run --extra cuda python -m server ...' on a machine with an NVIDIA driver, "
    "or choose --device cpu"
)
_CUDA_OPTIONS = {"cudnn_conv_algo_search": "HEURISTIC"}
_DRIVER_LIBRARIES = {"win32": "nvcuda.dll", "linux": "libcuda.so.1"}


class RuntimeUnavailable(RuntimeError):
    """ONNX Runtime cannot load the model, or cannot use the device."""


@dataclass(frozen=True)
class RuntimeOptions:
    """The device asked for, and the number of threads inside one operator."""

    device: Device = "auto"
    threads: int = 1


def open_model(
    model: bytes, options: RuntimeOptions, dimensions: Mapping[str, int] | None = None
) -> onnxruntime.InferenceSession:
    """Load a serialised ONNX model on the device asked for.

    ``dimensions`` gives symbolic dimensions their size, so that memory is planned once.

    Raises:
        RuntimeUnavailable: the model is invalid, or ``cuda`` was asked for and does not run.
    """
    wants_cuda = options.device == "cuda" or (options.device == "auto" and _has_nvidia_driver())
    if wants_cuda:
        session = _open_on_cuda(model, options, dimensions or {})
        if session is not None:
            return session
        if options.device == "cuda":
            raise RuntimeUnavailable(f"--device cuda: CUDA does not run here; {_CUDA_REMEDY}")
        logger.warning("CUDA does not run here, decoding on the CPU; %s", _CUDA_REMEDY)
    return _create(model, _session_options(options, dimensions or {}), [CPU])


def active_provider(session: onnxruntime.InferenceSession) -> str:
    """Return the provider that runs the session."""
    return str(session.get_providers()[0])


def _open_on_cuda(
    model: bytes, options: RuntimeOptions, dimensions: Mapping[str, int]
) -> onnxruntime.InferenceSession | None:
    """Open a session that runs on CUDA; None where there is none."""
    if CUDA not in onnxruntime.get_available_providers() or not _has_nvidia_driver():
        return None
    # Its own messages about missing libraries say less than our remedy.
    onnxruntime.set_default_logger_severity(4)
    try:
        return _try_cuda(model, options, dimensions)
    finally:
        onnxruntime.set_default_logger_severity(2)


def _try_cuda(
    model: bytes, options: RuntimeOptions, dimensions: Mapping[str, int]
) -> onnxruntime.InferenceSession | None:
    if hasattr(onnxruntime, "preload_dlls"):
        with contextlib.redirect_stdout(io.StringIO()):
            onnxruntime.preload_dlls()
    quiet = _session_options(options, dimensions)
    quiet.log_severity_level = 4
    try:
        session = _create(model, quiet, [(CUDA, _CUDA_OPTIONS), CPU])
    except RuntimeUnavailable:
        return None
    return session if active_provider(session) == CUDA else None


def _create(
    model: bytes, options: onnxruntime.SessionOptions, providers: list[Any]
) -> onnxruntime.InferenceSession:
    def make() -> onnxruntime.InferenceSession:
        return onnxruntime.InferenceSession(
            model, sess_options=options, providers=providers, enable_fallback=0
        )

    try:
        # In another thread, because the first session changes its thread's arithmetic
        # (``denormals``).
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(make).result()
    except Exception as error:  # ONNX Runtime's exception classes share no base
        reason = " ".join(str(error).split())[:300]
        raise RuntimeUnavailable(f"ONNX Runtime cannot load the model ({reason})") from error


def _session_options(
    options: RuntimeOptions, dimensions: Mapping[str, int]
) -> onnxruntime.SessionOptions:
    session_options = onnxruntime.SessionOptions()
    session_options.intra_op_num_threads = options.threads
    session_options.inter_op_num_threads = 1
    session_options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    session_options.log_severity_level = 3
    session_options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session_options.add_session_config_entry("session.set_denormal_as_zero", "1")
    for name, size in dimensions.items():
        session_options.add_free_dimension_override_by_name(name, size)
    return session_options


def _has_nvidia_driver() -> bool:
    """True if a GPU may be expected, so that falling back deserves a warning."""
    library = _DRIVER_LIBRARIES.get(sys.platform)
    if library is None:
        return False
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
