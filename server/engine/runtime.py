"""ONNX Runtime as an instrument needs it: which device, how many threads, no surprises.

The provider list falls back to the CPU in silence, so the session is asked afterwards what it
really runs on (``InferenceSession.get_providers``), and who asked for CUDA and did not get it is
told. On the CPU: one thread, no spinning between calls, denormals as zero.
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
    """A model that ONNX Runtime does not load, or a device it cannot use."""


@dataclass(frozen=True)
class RuntimeOptions:
    """How a session runs: the device asked for and the threads inside one operator."""

    device: Device = "auto"
    threads: int = 1


def open_model(
    model: bytes, options: RuntimeOptions, dimensions: Mapping[str, int] | None = None
) -> onnxruntime.InferenceSession:
    """Load a serialised ONNX model on the device asked for.

    ``dimensions`` gives symbolic dimensions their size, so that memory is planned once.

    Raises:
        RuntimeUnavailable: no valid model, or ``cuda`` was asked for and does not run.
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
    """The provider that really runs the session."""
    return str(session.get_providers()[0])


def _open_on_cuda(
    model: bytes, options: RuntimeOptions, dimensions: Mapping[str, int]
) -> onnxruntime.InferenceSession | None:
    """A session that runs on CUDA, or None."""
    if CUDA not in onnxruntime.get_available_providers() or not _has_nvidia_driver():
        return None
    # What it prints of what it does not find says less than the remedy that we give.
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
        # Elsewhere, because the first session changes its maker's arithmetic (``denormals``).
        with ThreadPoolExecutor(1) as elsewhere:
            return elsewhere.submit(make).result()
    except Exception as error:  # ONNX Runtime's exception classes share no base of their own
        reason = " ".join(str(error).split())[:300]
        raise RuntimeUnavailable(f"ONNX Runtime does not load the model ({reason})") from error


def _session_options(
    options: RuntimeOptions, dimensions: Mapping[str, int]
) -> onnxruntime.SessionOptions:
    made = onnxruntime.SessionOptions()
    made.intra_op_num_threads = options.threads
    made.inter_op_num_threads = 1
    made.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    made.log_severity_level = 3
    made.add_session_config_entry("session.intra_op.allow_spinning", "0")
    made.add_session_config_entry("session.set_denormal_as_zero", "1")
    for name, size in dimensions.items():
        made.add_free_dimension_override_by_name(name, size)
    return made


def _has_nvidia_driver() -> bool:
    """Whether a GPU may be expected, so that falling back deserves a warning."""
    library = _DRIVER_LIBRARIES.get(sys.platform)
    if library is None:
        return False
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
