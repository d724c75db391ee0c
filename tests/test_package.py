"""The wheel, installed into an empty environment, plays without a checkout and without torch."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest
import soundfile

from export.bundle.archive import read_bundle
from tests.real.needs import needs

ROOT = Path(__file__).parent.parent
CONSOLE_SCRIPT = "latent-deck"
NOT_FOR_PLAYING = ("torch", "torchaudio", "onnx", "lightning", "matplotlib")


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command outside this checkout's environment and return its output."""
    environment = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH")}
    ended = subprocess.run(
        [*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_console_script_is_the_server() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["scripts"] == {CONSOLE_SCRIPT: "server.__main__:main"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    needs("uv")
    folder = tmp_path_factory.mktemp("wheel")
    run("uv", "build", "--wheel", "--quiet", "--out-dir", folder, ROOT, cwd=folder)
    (found,) = folder.glob("*.whl")
    return found


@pytest.mark.long
def test_the_wheel_holds_every_file_of_its_packages(wheel: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "server", "model", "training", "export"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    inside = set(ZipFile(wheel).namelist())
    assert {"server/default.bundle", "export/default_card.json"} <= inside
    assert set(listed.stdout.split()) <= inside
    assert not any(name.startswith(("tests/", "docs/")) for name in inside)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_the_installed_wheel_plays_on_its_own(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    run("uv", "venv", "--quiet", "--python", sys.executable, environment, cwd=tmp_path)
    programs = environment / ("Scripts" if os.name == "nt" else "bin")
    python = programs / "python"
    run("uv", "pip", "install", "--quiet", "--python", python, wheel, cwd=tmp_path)

    for name in NOT_FOR_PLAYING:
        code = f"import importlib.util as u, sys; sys.exit(u.find_spec('{name}') is not None)"
        run(python, "-c", code, cwd=tmp_path)

    # A folder of this name in the current directory must not be taken for the package.
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "__init__.py").touch()
    script = programs / CONSOLE_SCRIPT
    decks = run(script, "--list-decks", cwd=tmp_path)
    bundled = read_bundle(ROOT / "server" / "default.bundle").decks
    assert [line.split(":")[0] for line in decks.splitlines()] == [*bundled]
    assert run(script, "--version", cwd=tmp_path).startswith("latent-deck ")

    run(script, "--output", "wav:x.wav", "--seconds", "1", "--config", "none", cwd=tmp_path)
    sound, rate_hz = soundfile.read(tmp_path / "x.wav")
    assert len(sound) == rate_hz and abs(sound).max() > 0.01
    # Under the supervisor, which starts the instrument as its own process.
    live = ("--output", "null", "--osc", "none", "--midi", "none", "--config", "none")
    assert "playing" in run(script, *live, "--seconds", "1", cwd=tmp_path)
