"""All workers make the same store: processes here, or those of a cluster."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import LocalCluster
from joblib import delayed

from tests.training.datasets.made_up_trees import write_noise
from training.prepare.__main__ import main
from training.store.index import AUDIO_FILE, INDEX_FILE
from training.support.workers import Workers, WorkersError, results


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Files of several lengths and rates, one of them broken."""
    for number, rate_hz in enumerate((16_000, 44_100, 22_050, 48_000, 8_000, 44_100)):
        write_noise(tmp_path / "music" / f"{number}.wav", 0.5 + 0.2 * number, rate_hz)
    (tmp_path / "music" / "broken.flac").write_bytes(b"fLaC and no more")
    return tmp_path / "music"


@pytest.fixture
def cluster() -> Iterator[str]:
    """The address of a dask scheduler with two workers, reached over the network."""
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address=None,
    ) as cluster:
        yield cluster.scheduler_address


def test_a_cluster_makes_the_same_store_bit_for_bit(
    music: Path, tmp_path: Path, cluster: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    for store, more in (("here", ()), ("there", ("--backend", "dask", "--cluster", cluster))):
        arguments = [str(music), "-o", str(tmp_path / store), "--preset", "tiny", "--jobs", "1"]
        assert main([*arguments, *more]) == 0
        said.append(capsys.readouterr().out.splitlines()[0])
    assert said == ["prepared 6, skipped 1 (1 corrupt)"] * 2
    for name in (AUDIO_FILE, INDEX_FILE):
        assert (tmp_path / "here" / name).read_bytes() == (tmp_path / "there" / name).read_bytes()


def test_dask_starts_workers_of_its_own() -> None:
    # Two: with one, joblib does the work in this process.
    process_ids = set(results([delayed(os.getpid)()] * 5, Workers("dask", processes=2)))
    assert process_ids and os.getpid() not in process_ids


def test_nothing_to_do_needs_no_workers() -> None:
    assert list(results([], Workers("dask", "tcp://nowhere:1"))) == []


def test_a_worker_that_dies_is_told_in_one_line() -> None:
    tasks = [delayed(os._exit)(1) for _ in range(2)]
    with pytest.raises(WorkersError, match="a worker ended before its work") as caught:
        list(results(tasks, Workers(processes=2)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("absent", "backend", "said"),
    [
        ("distributed", "dask", "--backend dask needs dask; install it: uv sync"),
        ("ray", "ray", "--backend ray needs ray; install it: uv pip install ray"),
    ],
)
def test_a_backend_that_is_not_installed_is_named_with_the_remedy(
    music: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    absent: str,
    backend: str,
    said: str,
) -> None:
    monkeypatch.setitem(sys.modules, absent, None)
    assert main([str(music), "-o", str(tmp_path / "store"), "--backend", backend]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith(f"error: {said}")


def test_a_cluster_that_does_not_answer_is_named(
    music: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("training.support.workers._CONNECT_S", 0.5)
    arguments = [str(music), "-o", str(tmp_path / "store"), "--backend", "dask"]
    assert main([*arguments, "--cluster", "tcp://127.0.0.1:9"]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error == "error: --cluster tcp://127.0.0.1:9: no scheduler with workers there"
