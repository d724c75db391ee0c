"""Small folder trees with the layouts of real data sets, and helpers for their tests."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile

from training.datasets.listing import Finding, LeftOut, ListedFile
from training.prepare.__main__ import main
from training.store.index import StoredRecording
from training.store.store import Store


def write_noise(path: Path, seconds: float = 0.6, rate_hz: int = 16_000, channels: int = 1) -> None:
    """Write a short audio file that differs for every name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(list(path.name.encode()))
    samples = generator.uniform(-0.3, 0.3, (round(seconds * rate_hz), channels))
    soundfile.write(path, samples, rate_hz)


def touch(root: Path, *names: str) -> None:
    """Create files of one byte, for loaders that read names alone."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def entries(findings: Iterable[Finding]) -> dict[str, ListedFile]:
    return {finding.name: finding for finding in findings if isinstance(finding, ListedFile)}


def left_out(findings: Iterable[Finding]) -> dict[str, str]:
    """The reasons by file name."""
    return {finding.name: finding.reason for finding in findings if isinstance(finding, LeftOut)}


def prepare(kind: str, data: Path, store: Path, *more: str) -> int:
    return main([kind, str(data), "-o", str(store), "--preset", "tiny", "--jobs", "1", *more])


def recordings(store: Path) -> dict[str, StoredRecording]:
    return {recording.name: recording for recording in Store.open(store).recordings}
