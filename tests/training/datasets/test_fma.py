"""FMA: its table of two header rows, and files and rows without each other."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.training.datasets.made_up_trees import (
    entries,
    left_out,
    prepare,
    recordings,
    touch,
    write_noise,
)
from training.datasets import fma
from training.datasets.listing import SourceError

HEADER = (
    ("", "album", "artist", "artist", "set", "set", "track", "track"),
    ("", "title", "bio", "id", "split", "subset", "genre_top", "license"),
    ("track_id", "", "", "", "", "", "", ""),
)
LICENCE = "Attribution-Noncommercial 3.0"


def row(
    number: int,
    split: str = "training",
    genre: str = "Hip-Hop",
    artist: int = 1,
    subset: str = "small",
) -> tuple[str, ...]:
    bio = 'two lines,\nand a "quote"'
    return (str(number), "AWOL", bio, str(artist), split, subset, genre, LICENCE)


def write_table(root: Path, *rows: tuple[str, ...]) -> Path:
    path = root / "fma_metadata" / "tracks.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows((*HEADER, *rows))
    return path


def mp3(number: int) -> str:
    return f"fma_small/{number // 1000:03d}/{number:06d}.mp3"


def test_a_track_has_genre_artist_licence_and_split(tmp_path: Path) -> None:
    write_table(tmp_path, row(2), row(5, "validation", "Rock", 2), row(10, "test", "Pop", 3))
    touch(tmp_path, mp3(2), mp3(5), mp3(10))
    found = entries(fma.find(tmp_path / "fma_small"))
    first = found["fma_small/000/000002.mp3"]
    assert first.labels == {
        "genre": "Hip-Hop",
        "artist": "1",
        "licence": LICENCE,
        "subset": "small",
        "official_split": "training",
    }
    assert first.group == "fma/artist 1"
    assert [entry.split for entry in found.values()] == ["train", "heldout", "heldout"]


def test_table_and_music_may_share_a_folder(tmp_path: Path) -> None:
    write_table(tmp_path, row(2))
    touch(tmp_path, mp3(2))
    assert list(entries(fma.find(tmp_path))) == [f"{tmp_path.name}/{mp3(2)}"]


def test_files_without_rows_and_rows_without_files_are_reported(tmp_path: Path) -> None:
    write_table(tmp_path, row(2), row(3), row(4, subset="medium"))
    touch(tmp_path, mp3(2), mp3(133_298), "fma_small/checksums.mp3")
    assert left_out(fma.find(tmp_path / "fma_small")) == {
        "fma_small/000/000003.mp3": "missing",
        "fma_small/133/133298.mp3": "no row",
        "fma_small/checksums.mp3": "unknown name",
    }


def test_tracks_without_audio_are_known_faults_with_or_without_a_file(tmp_path: Path) -> None:
    write_table(tmp_path, row(2), row(99_134), row(108_925), row(133_297))
    touch(tmp_path, mp3(2), mp3(99_134), mp3(133_297))
    assert left_out(fma.find(tmp_path / "fma_small")) == dict.fromkeys(
        (mp3(number) for number in (99_134, 108_925, 133_297)), "known fault"
    )


def test_no_top_genre_is_no_label_and_an_unknown_one_is_reported(tmp_path: Path) -> None:
    write_table(tmp_path, row(2, genre=""), row(3, genre="Schlager"))
    touch(tmp_path, mp3(2), mp3(3))
    found = list(fma.find(tmp_path / "fma_small"))
    assert "genre" not in entries(found)["fma_small/000/000002.mp3"].labels
    assert left_out(found) == {"fma_small/000/000003.mp3": "unknown label"}


def test_bad_rows_are_reported(tmp_path: Path) -> None:
    write_table(tmp_path, row(2)[:4], row(3, split="dev"))
    touch(tmp_path, mp3(2), mp3(3))
    assert set(left_out(fma.find(tmp_path / "fma_small")).values()) == {"bad row"}


def test_a_track_in_two_subsets_is_used_once(tmp_path: Path) -> None:
    write_table(tmp_path, row(2))
    touch(tmp_path, mp3(2), "fma_medium/000/000002.mp3")
    found = list(fma.find(tmp_path))
    assert len(entries(found)) == 1
    assert list(left_out(found).values()) == ["repeat"]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda table: table.unlink(), "unpack fma_metadata"),
        (lambda table: table.write_text("track_id,genre\n2,Rock\n"), "no column set/split"),
        (lambda table: table.write_text(""), "no column set/split"),
        (lambda table: table.write_bytes(b"\xff\xfe\x00"), "not a readable table"),
    ],
)
def test_a_bad_table_is_refused_in_one_line(tmp_path: Path, spoil: object, said: str) -> None:
    touch(tmp_path, mp3(2))
    spoil(write_table(tmp_path, row(2)))  # type: ignore[operator]
    with pytest.raises(SourceError, match=said) as caught:
        list(fma.find(tmp_path / "fma_small"))
    assert "\n" not in str(caught.value)


def test_an_artist_is_never_in_both_splits_of_a_prepared_store(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_table(tmp_path, row(2, artist=7), row(3, "test", artist=7), row(5, artist=8))
    for number in (2, 3, 5):
        write_noise(tmp_path / mp3(number), 1.0, 44_100, channels=2)
    assert prepare("fma", tmp_path / "fma_small", tmp_path / "store") == 0
    assert "prepared 3, skipped 0" in capsys.readouterr().out
    splits = {name[-8:-4]: kept.split for name, kept in recordings(tmp_path / "store").items()}
    assert splits == {"0002": "heldout", "0003": "heldout", "0005": "train"}


def test_prepared_short_tracks_are_used_from_half_a_second(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_table(tmp_path, row(98_565), row(98_567), row(99_134))
    write_noise(tmp_path / mp3(98_565), 0.8, 44_100)
    write_noise(tmp_path / mp3(98_567), 0.1, 44_100)
    touch(tmp_path, mp3(99_134))
    assert prepare("fma", tmp_path / "fma_small", tmp_path / "store") == 0
    assert "prepared 1, skipped 2 (1 known fault, 1 too short)" in capsys.readouterr().out
    assert list(recordings(tmp_path / "store")) == [mp3(98_565)]
