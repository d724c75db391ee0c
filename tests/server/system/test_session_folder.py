"""A session's folder for large arrays goes with it, at the latest when the next one starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from server.system.session_folder import session_folder

HOLD = (
    "import sys; from pathlib import Path; from server.system.session_folder import *\n"
    "with session_folder(Path(sys.argv[1])) as folder:\n"
    "    (folder / 'array').write_bytes(bytes(100))\n"
    "    print(folder, flush=True)\n"
    "    sys.stdin.read()\n"
)


def holder(base: Path) -> tuple[subprocess.Popen[str], Path]:
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(base)], stdin=pipe, stdout=pipe, text=True
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def close(process: subprocess.Popen[str]) -> None:
    process.communicate()


def test_a_folder_is_private_and_removed_at_the_end(tmp_path: Path) -> None:
    with session_folder(tmp_path / "base") as folder:
        assert folder is not None
        (folder / "array").write_bytes(b"1")
        assert (tmp_path / "base").stat().st_mode & 0o777 == 0o700
    assert not list((tmp_path / "base").iterdir())


def test_folders_of_killed_sessions_are_removed_at_the_next_start_and_no_others(
    tmp_path: Path,
) -> None:
    living, living_folder = holder(tmp_path / "base")
    killed, killed_folder = holder(tmp_path / "base")
    os.kill(killed.pid, signal.SIGKILL)
    close(killed)
    assert (killed_folder / "array").exists()
    with session_folder(tmp_path / "base") as folder:
        assert folder is not None
        left = set((tmp_path / "base").iterdir())
        assert left == {folder, living_folder}
        assert (living_folder / "array").exists()
    close(living)
    assert not living_folder.exists()


def test_where_no_folder_can_be_made_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with session_folder(tmp_path / "file") as folder:
        assert folder is None
