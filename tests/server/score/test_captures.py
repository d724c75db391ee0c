"""Captures saved beside a score: the same samples, once, and never over another file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from export.audio.model_input import Captured
from server.score.captures import Captures


def captured(seed: int = 0) -> Captured:
    samples = np.random.default_rng(seed).normal(0, 2, 5_000).astype(np.float32)
    return Captured("capture of a fake", samples, 48_000)


def test_a_capture_is_saved_once_and_bit_for_bit(tmp_path: Path) -> None:
    captures, one, two = Captures(tmp_path / "take.jsonl", tmp_path), captured(1), captured(2)
    sources = [captures.source(sound) for sound in (one, two, one)]
    assert sources == ["take capture 1.wav", "take capture 2.wav", "take capture 1.wav"]
    for sound, source in ((one, sources[0]), (two, sources[1])):
        kept, rate_hz = soundfile.read(tmp_path / source, dtype="float32")
        np.testing.assert_array_equal(kept, sound.samples)
        assert rate_hz == 48_000


def test_a_capture_outside_the_media_folder_is_named_by_its_full_path(tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    source = Captures(tmp_path / "take.jsonl", tmp_path / "media").source(captured())
    assert source == str(tmp_path / "take capture 1.wav")


def test_an_existing_file_of_that_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "take capture 1.wav").write_text("mine")
    assert Captures(tmp_path / "take.jsonl", tmp_path).source(captured()) == "take capture 2.wav"
    assert (tmp_path / "take capture 1.wav").read_text() == "mine"


def test_a_failed_write_leaves_no_file_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    captures, opened = Captures(tmp_path / "take.jsonl", tmp_path), Path.open

    class Full:
        def __init__(self, path: Path, mode: str) -> None:
            self._file = opened(path, mode)

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self._file.close()

        def write(self, data: memoryview) -> int:
            self._file.write(data[:10])
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", lambda path, mode: Full(path, mode))
    with pytest.raises(OSError, match="No space left"):
        captures.source(captured())
    assert list(tmp_path.iterdir()) == []
