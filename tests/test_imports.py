"""The packages meet only where the design says, and the server's process never loads torch."""

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

# Modules of one package that another may import; ALL stands for every module.
ALL = frozenset({"*"})
ALLOWED: dict[tuple[str, str], frozenset[str]] = {
    ("training", "model"): ALL,
    ("training", "export"): frozenset(
        {"export.audio", "export.bundle", "export.sequence", "export.weights"}
    ),
    ("export", "model"): ALL,
    ("server", "export"): frozenset(
        {"export.audio", "export.beats", "export.bundle", "export.sequence", "export.tempo"}
    ),
}

# Measuring hears a bundle as users do, through the server's own session; the axes that it finds
# are the exporter's.
ALLOWED_MODULES = {
    ("training.bundle_voice", "server.engine.runtime"),
    ("training.bundle_voice", "server.engine.session"),
    ("training.evaluate", "export.style_space"),
    ("training.evaluate", "server.engine.runtime"),
}

# What the server imports of export is standard library and numpy, and libraries of audio files
# imported inside functions.
LIGHT = {
    "export.audio",
    "export.beats",
    "export.bundle",
    "export.bundle_arrays",
    "export.bundle_format",
    "export.bundle_parts",
    "export.loudness",
    "export.onnx_guard",
    "export.sample_stream",
    "export.sequence",
    "export.tempo",
}
# Finds tempi with librosa, imported inside functions: in the worker that encodes files, and where a
# file is rendered, never while playing (the last test here).
WORKERS_ONLY = "export.tempo"
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
    for imported in imports(MODULES[name]):
        other = imported.split(".")[0]
        if other not in PACKAGES or other == package or (name, imported) in ALLOWED_MODULES:
            continue
        allowed = ALLOWED.get((package, other), frozenset())
        assert allowed == ALL or imported in allowed, f"{name} imports {imported}"


@pytest.mark.parametrize("name", [*LIGHT, *(n for n in MODULES if n.startswith("server"))])
def test_what_plays_needs_nothing_heavy(name: str) -> None:
    heavy = {imported for imported in imports(MODULES[name]) if imported.split(".")[0] in HEAVY}
    assert heavy == ({"librosa"} if name == WORKERS_ONLY else set())
    if name.startswith("export"):
        inside = {i for i in imports(MODULES[name]) if i.startswith("export")}
        assert inside <= LIGHT


def test_no_module_is_imported_in_a_circle() -> None:
    graph = {name: {i for i in imports(path) if i in MODULES} for name, path in MODULES.items()}
    TopologicalSorter(graph).prepare()


def test_no_room_of_the_server_needs_one_that_needs_it() -> None:
    graph: dict[str, set[str]] = {}
    for name, path in MODULES.items():
        for imported in (i for i in imports(path) if i in MODULES):
            if room(name) and room(imported) and room(name) != room(imported):
                graph.setdefault(room(name), set()).add(room(imported))
    TopologicalSorter(graph).prepare()


def room(module: str) -> str:
    """The folder of the server's that a module lies in; none for the others."""
    parts = module.split(".")
    return parts[1] if parts[0] == "server" and len(parts) > 2 else ""


def test_package_files_say_what_a_room_is_for_and_nothing_else() -> None:
    files = [path for name, path in MODULES.items() if name.endswith("__init__")]
    assert len(files) > len(PACKAGES)
    for path in files:
        tree = ast.parse(path.read_text())
        assert len(tree.body) == bool(ast.get_docstring(tree)), path


def test_playing_does_not_load_torch() -> None:
    code = (
        "import sys, server.app, server.program, server.decks.encoder_worker;"
        f"sys.exit(', '.join(sorted(set(sys.modules) & {HEAVY!r})) or 0)"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
