"""GTZAN in its two layouts, with its known faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.datasets.made_up_trees import (
    entries,
    left_out,
    prepare,
    recordings,
    touch,
    write_noise,
    write_text,
)
from training.datasets import gtzan
from training.datasets.listing import SourceError

LAYOUTS = {"original": "genres/{0}/{1}.au", "kaggle": "genres_original/{0}/{1}.wav"}
TRAIN, VALID, TEST = "blues.00029", "blues.00000", "blues.00012"


def layout(root: Path, pattern: str, *excerpts: str) -> Path:
    for excerpt in excerpts:
        touch(root, pattern.format(excerpt.partition(".")[0], excerpt))
    return root / pattern.split("/")[0]


@pytest.mark.parametrize("pattern", LAYOUTS.values(), ids=LAYOUTS)
def test_both_layouts_give_genre_and_filtered_split(tmp_path: Path, pattern: str) -> None:
    genres = layout(tmp_path, pattern, TRAIN, VALID, TEST)
    found = entries(gtzan.find(genres))
    suffix = Path(pattern).suffix
    first = found[f"{genres.name}/blues/{TRAIN}{suffix}"]
    assert first.labels == {"genre": "blues", "official_split": "train"}
    splits = {entry.labels["official_split"]: entry.split for entry in found.values()}
    assert splits == {"train": "train", "valid": "heldout", "test": "heldout"}


def test_other_files_of_the_kaggle_copy_are_ignored(tmp_path: Path) -> None:
    layout(tmp_path, LAYOUTS["kaggle"], TRAIN)
    touch(tmp_path, "images_original/blues/blues00029.png", "features_30_sec.csv")
    found = list(gtzan.find(tmp_path))
    assert list(entries(found)) == [f"{tmp_path.name}/genres_original/blues/{TRAIN}.wav"]
    assert not left_out(found)


def test_the_whole_data_set_has_the_counts_of_the_published_split(tmp_path: Path) -> None:
    names = [f"{genre}.{number:05d}" for genre in gtzan.GENRES for number in range(100)]
    genres = layout(tmp_path, LAYOUTS["original"], *names)
    found = list(gtzan.find(genres))
    splits = [entry.labels["official_split"] for entry in entries(found).values()]
    assert list(left_out(found).values()) == ["filtered"] * 70
    assert [splits.count(split) for split in ("train", "valid", "test")] == [443, 197, 290]


def test_the_corrupt_file_of_the_common_copy_is_known(tmp_path: Path) -> None:
    wav = layout(tmp_path, LAYOUTS["kaggle"], "jazz.00054", "jazz.00053")
    assert left_out(gtzan.find(wav)) == {"genres_original/jazz/jazz.00054.wav": "known fault"}
    au = layout(tmp_path, LAYOUTS["original"], "jazz.00054")
    assert entries(gtzan.find(au))["genres/jazz/jazz.00054.au"].split == "train"


def test_foreign_files_and_repeats_are_reported(tmp_path: Path) -> None:
    layout(tmp_path, LAYOUTS["original"], TRAIN, "polka.00001")
    layout(tmp_path, LAYOUTS["kaggle"], TRAIN)
    touch(tmp_path, "genres/blues/my own song.wav")
    assert left_out(gtzan.find(tmp_path)) == {
        f"{tmp_path.name}/genres/polka/polka.00001.au": "unknown label",
        f"{tmp_path.name}/genres/blues/my own song.wav": "unknown name",
        f"{tmp_path.name}/genres_original/blues/{TRAIN}.wav": "repeat",
    }


def test_other_split_lists_can_be_given(tmp_path: Path) -> None:
    genres = layout(tmp_path, LAYOUTS["kaggle"], TRAIN, VALID, TEST)
    for split, excerpt in (("train", TEST), ("valid", TRAIN), ("test", "")):
        line = f"blues/{excerpt}.wav\n" if excerpt else ""
        write_text(tmp_path / "lists" / f"{split}_filtered.txt", line)
    found = list(gtzan.find(genres, tmp_path / "lists"))
    assert {Path(n).stem: entry.split for n, entry in entries(found).items()} == {
        TEST: "train",
        TRAIN: "heldout",
    }
    assert left_out(found) == {f"genres_original/blues/{VALID}.wav": "filtered"}


def test_missing_split_lists_and_other_folders_are_refused(tmp_path: Path) -> None:
    genres = layout(tmp_path, LAYOUTS["kaggle"], TRAIN)
    with pytest.raises(SourceError, match="--split-lists takes a folder with train_filtered"):
        list(gtzan.find(genres, tmp_path / "nowhere"))
    (tmp_path / "bare").mkdir()
    with pytest.raises(
        SourceError, match="no music of this data set; expected files such as genres"
    ):
        list(gtzan.find(tmp_path / "bare"))


def test_preparing_keeps_lengths_and_labels_and_counts_corrupt_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    genres = tmp_path / "genres_original"
    for number, seconds in ((29, 0.6), (30, 0.75), (0, 0.9)):
        write_noise(genres / "blues" / f"blues.{number:05d}.wav", seconds, 22_050)
    touch(genres, "jazz/jazz.00054.wav", "blues/blues.00031.wav")
    assert prepare("gtzan", genres, tmp_path / "store") == 0
    assert "prepared 3, skipped 2 (1 corrupt, 1 known fault)" in capsys.readouterr().out
    stored = recordings(tmp_path / "store")
    lengths = [recording.length for recording in stored.values()]
    assert lengths == pytest.approx([0.9 * 16_000, 0.6 * 16_000, 0.75 * 16_000], abs=1)
    assert stored["genres_original/blues/blues.00000.wav"].split == "heldout"
    assert stored["genres_original/blues/blues.00029.wav"].label("genre") == ("blues",)
