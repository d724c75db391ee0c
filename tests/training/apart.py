"""``training.fit`` in separate processes that tests kill, limit or run in groups.

They fork from a server that has imported torch once for all of them.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import socket
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path

from training.fit import __main__ as fit
from training.objectives import autoencoding
from training.objectives.style_statistics import measure_style_space

APART = multiprocessing.get_context("forkserver")
APART.set_forkserver_preload([__name__])


def start_fit(
    arguments: list[str],
    errors: Path,
    environment: dict[str, str] | None = None,
    file_bytes: int | None = None,
) -> BaseProcess:
    """Start training; ``errors`` gets its output; no file may be longer than ``file_bytes``."""
    settings = (arguments, errors, environment or {}, file_bytes)
    # A daemon ends with the tests, even if one fails while it is training.
    process = APART.Process(target=_fit, args=settings, daemon=True)
    process.start()
    return process


def start_several(count: int, arguments: list[str], folder: Path) -> list[BaseProcess]:
    """Start processes as ``torchrun`` does; their output goes to ``0.txt``, ``1.txt`` and so on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    together = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "GROUP_WORLD_SIZE": "1",
        "GROUP_RANK": "0",
        "TORCHELASTIC_RUN_ID": "test",
    }
    return [
        start_fit(
            arguments,
            folder / f"{rank}.txt",
            together | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(count)
    ]


def _fit(
    arguments: list[str], errors: Path, environment: dict[str, str], file_bytes: int | None
) -> None:
    # Every checkpoint measures the style space: a little music is enough here.
    autoencoding.measure_style_space = partial(measure_style_space, batches=1, clips=4)
    os.environ.update(environment)
    # Ctrl-C must work even if the tests themselves run in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    if file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    raise SystemExit(fit.main(arguments))
