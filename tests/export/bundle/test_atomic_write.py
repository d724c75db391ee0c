"""A file is old or new, never half; a writer that fails leaves no other file."""

from __future__ import annotations

import errno
import os
import signal
import stat
import time
from pathlib import Path

import pytest

from export.bundle import atomic_write as module
from export.bundle.atomic_write import ABANDONED_S, atomic_write, remove_abandoned


def replace_content(path: Path, content: bytes, **options: object) -> None:
    with atomic_write(path, **options) as file:  # type: ignore[arg-type]
        file.write(content)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("options", [{}, {"sync": False}, {"sync_name": True}, {"mode": 0o600}])
def test_the_new_file_takes_the_place_of_the_old_one(
    tmp_path: Path, options: dict[str, object]
) -> None:
    for content in (b"old", b"new"):
        replace_content(tmp_path / "x", content, **options)
        assert (tmp_path / "x").read_bytes() == content
        assert names(tmp_path) == ["x"]


def test_the_old_file_is_there_until_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")
    with atomic_write(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt])
@pytest.mark.parametrize("fixed", [False, True])
def test_a_block_that_fails_leaves_the_old_file_alone(
    tmp_path: Path, error: type[BaseException], fixed: bool
) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")
    with pytest.raises(error), atomic_write(path, temporary=tmp_path / "y" if fixed else None):
        raise error
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_disk_that_fails_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "x"
    path.write_bytes(b"old")
    monkeypatch.setattr(module.os, failing, full)
    with pytest.raises(OSError, match="No space left"):
        replace_content(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["x"]


@pytest.mark.skipif(os.name != "posix", reason="needs a umask")
@pytest.mark.parametrize(
    ("mode", "expected"), [(None, 0o640), (0o644, 0o644), (0o600, 0o600)], ids=str
)
def test_permissions_are_the_umasks_or_as_asked(
    tmp_path: Path, mode: int | None, expected: int
) -> None:
    before = os.umask(0o027)
    try:
        replace_content(tmp_path / "x", b"", mode=mode)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == expected


def test_two_writers_do_not_share_a_temporary_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with atomic_write(path) as first:
        with atomic_write(path) as second:
            first.write(b"first")
            second.write(b"second")
        assert path.read_bytes() == b"second"
    assert path.read_bytes() == b"first"


def test_a_fixed_temporary_file_of_a_killed_writer_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "y").write_bytes(b"half of a much longer file")
    replace_content(tmp_path / "x", b"whole", temporary=tmp_path / "y")
    assert (tmp_path / "x").read_bytes() == b"whole"
    assert names(tmp_path) == ["x"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_temporary_files_of_killed_writers_are_removed_once_they_are_old(tmp_path: Path) -> None:
    (tmp_path / "mine.part").touch()
    for _ in range(2):
        if os.fork() == 0:
            with atomic_write(tmp_path / "x"):
                os.kill(os.getpid(), signal.SIGKILL)
        os.wait()
    old, young = sorted(tmp_path.glob(".*"))
    os.utime(old, (time.time() - 2 * ABANDONED_S,) * 2)
    remove_abandoned(tmp_path)
    assert names(tmp_path) == sorted([young.name, "mine.part"])
