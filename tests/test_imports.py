"""Packages import each other only as the design allows, and the server never loads torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("export", "model", "server", "training")

LIGHT_ROOMS = ("export.audio", "export.bundle")
"""Standard library, numpy, and libraries of audio files imported inside functions."""

ALLOWED = {
    "training": ("model", "export"),
    "export": ("model",),
    "server": LIGHT_ROOMS,
    # Evaluation plays a bundle as users hear it, through the server's decoder session.
    "training.measures": ("server.engine",),
    # Whole recordings as well: loaded onto decks, and played with the controls turned.
    "training.evaluate": ("server.engine", "server.decks", "server.controls"),
}
"""Packages and rooms of other packages that a package, or a room of it, may import."""

# Tracks beats with librosa, imported inside functions: in the process that encodes files, and where
# a file is rendered, never while playing (the last test here).
WORKERS_ONLY = "export.audio.beat_tracking"
HEAVY = {"torch", "torchvision", "torchaudio", "librosa", "lightning", "onnx", "model", "training"}


def modules() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield ".".join(path.relative_to(ROOT).with_suffix("").parts), path


def imports(path: Path) -> Iterator[str]:
    """Every absolute name of a module that is imported anywhere in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            folder = ROOT.joinpath(*node.module.split("."))
            for alias in node.names:
                is_module = (folder / f"{alias.name}.py").exists()
                yield f"{node.module}.{alias.name}" if is_module else node.module


MODULES = dict(modules())


@pytest.mark.parametrize("name", MODULES)
def test_packages_import_each_other_one_way(name: str) -> None:
    package = name.split(".")[0]
    allowed = [there for here, rooms in ALLOWED.items() if is_in(name, here) for there in rooms]
    for imported in imports(MODULES[name]):
        other = imported.split(".")[0]
        if other in PACKAGES and other != package:
            assert any(is_in(imported, there) for there in allowed), f"{name} imports {imported}"


def is_in(module: str, room: str) -> bool:
    """Return whether ``module`` is ``room`` or inside it."""
    return f"{module}.".startswith(f"{room}.")


def is_light(name: str) -> bool:
    """Return whether the server's process loads a module."""
    return any(is_in(name, room) for room in ("server", *LIGHT_ROOMS))


@pytest.mark.parametrize("name", [*filter(is_light, MODULES)])
def test_modules_of_the_server_import_nothing_heavy(name: str) -> None:
    heavy = {imported for imported in imports(MODULES[name]) if imported.split(".")[0] in HEAVY}
    assert heavy == ({"librosa"} if name == WORKERS_ONLY else set())
    inside = {i for i in imports(MODULES[name]) if i.startswith("export.")}
    assert all(map(is_light, inside)), inside


def test_modules_have_no_import_cycle() -> None:
    graph = {name: {i for i in imports(path) if i in MODULES} for name, path in MODULES.items()}
    TopologicalSorter(graph).prepare()


def test_subpackages_have_no_import_cycle() -> None:
    graph: dict[str, set[str]] = {}
    for name, path in MODULES.items():
        for imported in (i for i in imports(path) if i in MODULES):
            if room(name) and room(imported) and room(name) != room(imported):
                graph.setdefault(room(name), set()).add(room(imported))
    TopologicalSorter(graph).prepare()


def room(module: str) -> str:
    """The subpackage of a module; empty for modules directly in a package."""
    parts = module.split(".")
    return ".".join(parts[:2]) if len(parts) > 2 else ""


def test_package_files_hold_only_a_docstring() -> None:
    files = [path for name, path in MODULES.items() if name.endswith("__init__")]
    assert len(files) > len(PACKAGES)
    for path in files:
        tree = ast.parse(path.read_text())
        assert len(tree.body) == bool(ast.get_docstring(tree)), path


def test_playing_does_not_load_torch() -> None:
    code = (
        "import sys, server.live.app, server.program, server.decks.encoder_worker;"
        f"sys.exit(', '.join(sorted(set(sys.modules) & {HEAVY!r})) or 0)"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
