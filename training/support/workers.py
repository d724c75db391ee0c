"""Workers that process many files at once: processes of this machine, or a cluster.

All go through joblib: ``loky`` is its own backend, ``dask`` and ``ray`` register with it. Workers
of a cluster need this program installed, and the files under the same paths. With one process,
joblib does the work in this one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

_CONNECT_S = 10
_DIED = "a worker ended before its work, perhaps out of memory (fewer --jobs need less)"
_TASKS_PER_WORKER = 8  # at a time, if a backend returns results only when all are done


class WorkersError(RuntimeError):
    """The workers cannot be started or reached, or were lost."""


@dataclass(frozen=True)
class Workers:
    """``processes`` of this machine, or those of ``cluster``, through one of ``BACKENDS``."""

    backend: str = "loky"
    cluster: str | None = None
    processes: int = 1

    @property
    def are_children(self) -> bool:
        """True if the workers are children of this process, which must end with it."""
        return self.backend == "loky"


def results(tasks: Sequence[Any], workers: Workers) -> Generator[Any, None, None]:
    """Yield the results of joblib's delayed ``tasks`` in order, each as soon as it is there.

    Raises:
        WorkersError: the backend is not installed, the cluster does not answer, or a worker died.
    """
    if not tasks:
        return
    try:
        yield from BACKENDS[workers.backend](tasks, workers)
    except (BrokenExecutor, CancelledError) as error:
        lost = f"cluster {workers.cluster} was lost" if workers.cluster else _DIED
        raise WorkersError(f"{lost}; what is done is kept: run the same command again") from error


def _loky(tasks: Sequence[Any], workers: Workers) -> Iterator[Any]:
    from joblib import Parallel

    processes = min(workers.processes, len(tasks))
    yield from Parallel(n_jobs=processes, return_as="generator")(tasks)


def _dask(tasks: Sequence[Any], workers: Workers) -> Iterator[Any]:
    try:
        from distributed import KilledWorker
    except ImportError as error:
        raise WorkersError(
            "--backend dask needs dask; install it: uv sync --extra train --extra cluster"
        ) from error
    from joblib import Parallel, parallel_config

    with _dask_client(workers) as client:
        try:
            with parallel_config("dask", client=client):
                parallel = Parallel(n_jobs=-1, return_as="generator")
            yield from parallel(tasks)
        except KilledWorker as error:
            raise CancelledError from error


@contextmanager
def _dask_client(workers: Workers) -> Iterator[Any]:
    from distributed import Client, LocalCluster

    if workers.cluster is None:
        with (
            LocalCluster(
                n_workers=workers.processes,
                threads_per_worker=1,
                dashboard_address=None,
                silence_logs=logging.ERROR,
            ) as cluster,
            Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = Client(workers.cluster, timeout=_CONNECT_S)
        client.wait_for_workers(1, timeout=_CONNECT_S)
    except (OSError, ValueError) as error:
        raise WorkersError(
            f"--cluster {workers.cluster}: no scheduler with workers there"
        ) from error
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # results() reports a lost scheduler
    with client:
        yield client


def _ray(tasks: Sequence[Any], workers: Workers) -> Iterator[Any]:
    try:
        import ray
        from ray.util.joblib import register_ray
    except ImportError as error:
        raise WorkersError("--backend ray needs ray; install it: uv pip install ray") from error
    from joblib import Parallel

    local = {} if workers.cluster else {"num_cpus": workers.processes, "include_dashboard": False}
    try:
        ray.init(address=workers.cluster, log_to_driver=False, logging_level="error", **local)
    except Exception as error:  # ray raises a plain one if it cannot start
        where = f"--cluster {workers.cluster}" if workers.cluster else "--backend ray"
        raise WorkersError(
            f"{where}: ray does not start or answer ({_first_line(error)})"
        ) from error
    try:
        register_ray()
        with Parallel(n_jobs=-1, backend="ray") as parallel:
            step = _TASKS_PER_WORKER * int(ray.cluster_resources().get("CPU", 1))
            for first in range(0, len(tasks), step):
                yield from parallel(tasks[first : first + step])
    except ray.exceptions.RayError as error:
        raise CancelledError from error
    finally:
        ray.shutdown()


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


BACKENDS: dict[str, Callable[[Sequence[Any], Workers], Iterator[Any]]] = {
    "loky": _loky,
    "dask": _dask,
    "ray": _ray,
}
