"""A client may load files below the media folder, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.decks.media import MediaError, media_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "media" / "sub").mkdir(parents=True)
    (tmp_path / "media" / "a.wav").touch()
    (tmp_path / "media" / "sub" / "b.wav").touch()
    (tmp_path / "secret.wav").touch()
    (tmp_path / "media" / "link.wav").symlink_to(tmp_path / "secret.wav")
    (tmp_path / "media" / "up").symlink_to(tmp_path)
    (tmp_path / "media" / "loop").symlink_to(tmp_path / "media" / "loop")
    (tmp_path / "media" / "inner.wav").symlink_to(tmp_path / "media" / "a.wav")
    return tmp_path / "media"


@pytest.mark.parametrize("source", ["a.wav", "sub/b.wav", "./sub/../a.wav", "inner.wav"])
def test_files_below_the_folder_are_found(folder: Path, source: str) -> None:
    assert media_file(source, folder, []).is_file()


def test_an_absolute_path_below_the_folder_is_found(folder: Path) -> None:
    assert media_file(str(folder / "a.wav"), folder, []) == (folder / "a.wav").resolve()


@pytest.mark.parametrize(
    "source",
    [
        "../secret.wav",
        "sub/../../secret.wav",
        "link.wav",
        "up/secret.wav",
        "/etc/passwd",
        "none.wav",
        "sub",
        ".",
        "loop",
        "a.wav\0.txt",
        "x" * 5000,
    ],
)
def test_loading_anything_outside_the_media_folder_fails_with_the_same_error(
    folder: Path, source: str
) -> None:
    with pytest.raises(MediaError, match=r"neither a library deck \(low, high\) nor") as caught:
        media_file(source, folder, ["low", "high"])
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
