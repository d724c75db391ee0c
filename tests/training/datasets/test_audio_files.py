"""Real-world folders: links, unreadable folders, names of any kind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.training.datasets.made_up_trees import touch
from training.datasets.audio_files import audio_files, folder, name_in_store
from training.datasets.listing import SourceError, clean, store_split


def test_only_audio_files_are_found_in_order(tmp_path: Path) -> None:
    touch(tmp_path, "b/2.WAV", "b/10.mp3", "a.flac", "notes.txt", "._a.wav", "cover.jpg")
    found = audio_files(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in found.paths] == [
        "a.flac",
        "b/10.mp3",
        "b/2.WAV",
    ]
    assert not found.left_out


def test_every_kind_of_audio_is_found(tmp_path: Path) -> None:
    touch(tmp_path, "a.AIF", "b.aiff", "c.opus", "d.oga", "e.M4A", "f.wma", "._g.m4a", "h.jpg")
    found = audio_files(tmp_path)
    assert [path.name for path in found.paths] == [
        *("a.AIF", "b.aiff", "c.opus", "d.oga", "e.M4A", "f.wma")
    ]
    assert not found.left_out


def test_links_are_followed_and_broken_ones_reported(tmp_path: Path) -> None:
    music = tmp_path / "music"
    touch(music, "a.wav")
    touch(tmp_path / "elsewhere", "deep/b.wav")
    (music / "linked").symlink_to(tmp_path / "elsewhere")
    (music / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    found = audio_files(music)
    assert [name_in_store(path, music) for path in found.paths] == [
        "music/a.wav",
        "music/linked/deep/b.wav",
    ]
    assert [(each.name, each.reason) for each in found.left_out] == [("music/gone.wav", "missing")]


def test_a_folder_linked_into_itself_is_entered_once(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav")
    (tmp_path / "again").symlink_to(tmp_path)
    assert len(audio_files(tmp_path).paths) == 1


def test_an_unreadable_folder_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "open/a.wav", "closed/b.wav")
    scandir = os.scandir

    def guarded(place: str | os.PathLike[str]) -> object:
        # Tests may run as root, who may read everything.
        if Path(place).name == "closed":
            raise PermissionError(13, "Permission denied", str(place))
        return scandir(place)

    monkeypatch.setattr(os, "scandir", guarded)
    found = audio_files(tmp_path)
    assert [path.name for path in found.paths] == ["a.wav"]
    assert [(each.name, each.reason) for each in found.left_out] == [
        (f"{tmp_path.name}/closed", "unreadable")
    ]


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such folder"):
        folder(tmp_path / "nowhere")


def test_labels_are_normalised_stripped_and_not_empty() -> None:
    decomposed = "Fre\u0301de\u0301ric Chopin "
    assert clean({"composer": decomposed, "title": " ", "year": None}) == {
        "composer": "Frédéric Chopin"
    }


@pytest.mark.parametrize(
    ("official", "split"),
    [
        ("train", "train"),
        ("Training", "train"),
        ("validation", "heldout"),
        ("valid", "heldout"),
        (" test ", "heldout"),
        ("dev", None),
        ("", None),
        (None, None),
    ],
)
def test_official_splits_become_train_or_heldout(official: str | None, split: str | None) -> None:
    assert store_split(official) == split
