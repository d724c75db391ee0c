"""Slow tests and benchmarks run only when ``-m`` names them, and no test uses the configuration
folder of the person who runs it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from export.bundle.archive import write_bundle
from tests import mini_bundle

ONLY_BY_NAME = ("long", "benchmark")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect marked tests unless their mark is named."""
    unnamed = {name for name in ONLY_BY_NAME if name not in config.option.markexpr}
    left_out = [item for item in items if unnamed & {mark.name for mark in item.iter_markers()}]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session", autouse=True)
def no_ones_configuration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Use an empty configuration folder, also in programs that tests start."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("configuration")))
        yield


@pytest.fixture(scope="session")
def bundle_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mini bundle as a file."""
    path = tmp_path_factory.mktemp("bundle") / "mini.bundle"
    write_bundle(path, mini_bundle.bundle())
    return path
