"""Messages that libraries print are held back; others pass."""

from __future__ import annotations

import os
import subprocess
import threading
import time

import pytest

from server.system import library_output as native_noise


def test_known_noise_is_hidden_and_the_rest_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    with native_noise.hidden():
        os.write(2, b"Cannot connect to server socket err = No such file\nsomething else\n")
        subprocess.run(["echo 'ALSA lib conf.c: unable to open slave' >&2"], shell=True, check=True)
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "something else\nafterwards\n"


def test_an_error_inside_still_restores_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError), native_noise.hidden():
        raise RuntimeError
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "afterwards\n"


def test_overlapping_threads_leave_the_terminal_as_it_was(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def hide() -> None:
        for _ in range(20):
            with native_noise.hidden(), native_noise.hidden():
                time.sleep(0.001)

    threads = [threading.Thread(target=hide) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "afterwards\n"
