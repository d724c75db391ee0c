"""What keeps the code readable: short functions, few constructor parameters, one meaning a name."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("server", "model", "training", "export", "max_patches")

MOST_LINES = 60
MOST_PARAMETERS = 10

Function = ast.FunctionDef | ast.AsyncFunctionDef


def trees() -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text())


def test_no_function_is_longer_than_a_page() -> None:
    lengths = {
        f"{path}: {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, Function)
    }
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_no_constructor_takes_more_than_ten_parameters() -> None:
    """Dataclasses of options carry values and count as one; they have no constructor to read."""
    taken = {
        f"{path}: {node.name}": len(method.args.args) + len(method.args.kwonlyargs) - 1
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for method in node.body
        if isinstance(method, ast.FunctionDef) and method.name == "__init__"
    }
    assert {name: count for name, count in taken.items() if count > MOST_PARAMETERS} == {}


def test_a_class_name_stands_for_one_class() -> None:
    places: defaultdict[str, set[str]] = defaultdict(set)
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].add(path)
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_docstrings_begin_with_a_statement() -> None:
    """Not with "What ...", which makes the reader hold half a sentence."""
    vague = [
        f"{path}: {text.splitlines()[0]}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | Function)
        and (text := ast.get_docstring(node) or "").startswith("What ")
    ]
    assert vague == []


def test_no_file_is_pickled() -> None:
    """State on the disk is plain data that a person or another version can read."""
    importing = [
        path
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import) and "pickle" in {alias.name for alias in node.names}
    ]
    assert importing == []
