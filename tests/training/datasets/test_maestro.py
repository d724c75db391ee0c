"""MAESTRO: its CSV, its JSON in two layouts, and the MIDI beside the audio."""

from __future__ import annotations

import csv
import json
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
from training.datasets import maestro
from training.datasets.listing import SourceError

COLUMNS = (*maestro.COLUMNS, "duration")
LISZT = "Franz Schubert / Franz Liszt"


def performance(
    name: str, split: str = "train", composer: str = "Frédéric Chopin", title: str = "Étude"
) -> dict[str, str]:
    files = (f"2004/{name}.midi", f"2004/{name}.wav")
    return dict(zip(COLUMNS, (composer, title, split, "2004", *files, "61.2"), strict=True))


def write_csv(root: Path, *rows: dict[str, str]) -> Path:
    path = root / "maestro-v3.0.0.csv"
    root.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A complete data set of three performances of two works."""
    root = tmp_path / "maestro-v3.0.0"
    rows = (
        performance("a"),
        performance("b", "validation", LISZT, "Erlkönig"),
        performance("c", "test", LISZT, "Gretchen"),
    )
    write_csv(root, *rows)
    touch(root, *(f"2004/{name}.{suffix}" for name in "abc" for suffix in ("wav", "midi")))
    return root


def test_a_performance_has_composer_title_split_and_midi(root: Path) -> None:
    found = entries(maestro.find(root))
    chopin = found["maestro-v3.0.0/2004/a.wav"]
    assert chopin.labels == {
        "composer": "Frédéric Chopin",
        "title": "Étude",
        "year": "2004",
        "official_split": "train",
    }
    assert chopin.midi == "maestro-v3.0.0/2004/a.midi"
    assert chopin.group == "maestro/Frédéric Chopin: Étude"
    assert found["maestro-v3.0.0/2004/b.wav"].labels["composer"] == LISZT
    assert [entry.split for entry in found.values()] == ["train", "heldout", "heldout"]


def test_the_data_set_is_found_from_the_folder_above(root: Path) -> None:
    names = [f"{root.parent.name}/maestro-v3.0.0/2004/{name}.wav" for name in "abc"]
    assert list(entries(maestro.find(root.parent))) == names


def as_list(rows: list[maestro.Row]) -> object:
    return rows


def as_columns(rows: list[maestro.Row]) -> object:
    return {key: {str(i): row[key] for i, row in enumerate(rows)} for key in COLUMNS}


@pytest.mark.parametrize("shape", [as_list, as_columns])
def test_without_the_csv_either_layout_of_json_is_read(root: Path, shape: object) -> None:
    table = root / "maestro-v3.0.0.csv"
    from_csv = list(maestro.find(root))
    rows = maestro.read_rows(table)
    table.with_suffix(".json").write_text(json.dumps(shape(rows)))  # type: ignore[operator]
    table.unlink()
    assert list(maestro.find(root)) == from_csv


def test_the_csv_is_preferred(root: Path) -> None:
    (root / "maestro-v3.0.0.json").write_text("{")
    assert len(entries(maestro.find(root))) == 3


def test_rows_and_files_without_each_other_are_reported(root: Path) -> None:
    (root / "2004" / "a.wav").unlink()
    (root / "2004" / "b.midi").unlink()
    touch(root, "2004/bonus.wav")
    found = list(maestro.find(root))
    assert left_out(found) == {
        "maestro-v3.0.0/2004/a.wav": "missing",
        "maestro-v3.0.0/2004/b.midi": "missing MIDI",
        "maestro-v3.0.0/2004/bonus.wav": "no row",
    }
    assert entries(found)["maestro-v3.0.0/2004/b.wav"].midi is None


def test_bad_rows_are_reported(root: Path) -> None:
    table = root / "maestro-v3.0.0.csv"
    bad = (
        performance("a", composer=""),
        performance("b", split="dev"),
        performance("../../etc/c"),
    )
    write_csv(root, *bad)
    with table.open("a", encoding="utf-8") as file:
        file.write("Johann Sebastian Bach,Fug")
    found = left_out(maestro.find(root))
    assert [reason for reason in found.values() if reason == "bad row"] == ["bad row"] * 4


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("maestro-v3.0.0.csv", "canonical_composer,split\n", "no column canonical_title, year"),
        ("maestro-v3.0.0.csv", "", "no column canonical_composer"),
        ("maestro-v3.0.0.json", '{"split": {', "damaged or cut short"),
        ("maestro-v3.0.0.json", '{"split": {}}', "no column canonical_composer"),
        ("maestro-v3.0.0.json", "[3]", "not a table of performances"),
        ("readme.txt", "", r"no maestro-v3\.0\.0\.csv here"),
    ],
)
def test_a_bad_table_is_refused_in_one_line(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SourceError, match=said) as caught:
        list(maestro.find(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_work_is_never_in_both_splits_of_a_prepared_store(tmp_path: Path) -> None:
    root = tmp_path / "maestro"
    write_csv(root, performance("a"), performance("b", "test"), performance("c", title="Valse"))
    for name in "abc":
        write_noise(root / "2004" / f"{name}.wav", 0.6, 48_000, channels=2)
    touch(root, *(f"2004/{name}.midi" for name in "abc"))
    assert prepare("maestro", root, tmp_path / "store") == 0
    stored = recordings(tmp_path / "store")
    assert {name[-5]: kept.split for name, kept in stored.items()} == {
        "a": "heldout",
        "b": "heldout",
        "c": "train",
    }
    assert stored["maestro/2004/a.wav"].label("composer") == ("Frédéric Chopin",)
    assert stored["maestro/2004/a.wav"].midi == "maestro/2004/a.midi"
