"""IRMAS: labels in folder names, in brackets, and in text files with tabs."""

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
from training.datasets import irmas
from training.datasets.listing import SourceError

TEST_PART = "IRMAS-TestingData-Part1/Part1"


@pytest.mark.parametrize(
    ("name", "labels", "group"),
    [
        ("cel/[cel][nod][cla]0001__1", {"drums": "no", "genre": "cla"}, "irmas/0001"),
        ("gel/[gel][dru][pop_roc]0829__3", {"drums": "yes", "genre": "pop_roc"}, "irmas/0829"),
        ("cla/[cla][cla]0150__2", {"genre": "cla"}, "irmas/0150"),
        ("cla/[cla]0151__2", {}, "irmas/0151"),
        ("sax/008__[sax][nod][jaz_blu]1634__1", {"drums": "no", "genre": "jaz_blu"}, "irmas/1634"),
        ("voi/2345__1", {}, "irmas/2345"),
    ],
)
def test_the_folder_gives_the_instrument_and_tags_are_optional(
    tmp_path: Path, name: str, labels: dict[str, str], group: str
) -> None:
    touch(tmp_path / "IRMAS-TrainingData", f"{name}.wav")
    (entry,) = entries(irmas.find(tmp_path / "IRMAS-TrainingData")).values()
    instrument = name.partition("/")[0]
    assert entry.labels == labels | {"instrument": instrument, "official_split": "train"}
    assert (entry.group, entry.split) == (group, "train")


def test_test_excerpts_have_several_labels(tmp_path: Path) -> None:
    part = tmp_path / TEST_PART
    touch(part, "(02) don't kill the whale-1.wav", "(02) don't kill the whale-16.wav", "Ave.wav")
    write_text(part / "(02) don't kill the whale-1.txt", "gel\t\nvoi\t\n")
    write_text(part / "(02) don't kill the whale-16.txt", "voi\t\r\n")
    write_text(part / "Ave.txt", "cel\t")
    first, second, third = entries(irmas.find(tmp_path)).values()
    assert first.labels == {"instrument": "gel|voi", "official_split": "test"}
    assert first.group == second.group == "irmas/(02) don't kill the whale"
    assert third.labels["instrument"] == "cel"
    assert {entry.split for entry in (first, second, third)} == {"heldout"}


def test_missing_and_unknown_labels_are_reported(tmp_path: Path) -> None:
    touch(tmp_path / "IRMAS-TrainingData", "kaz/[kaz]0001__1.wav", "cel/cello.wav")
    touch(tmp_path / TEST_PART, "bare.wav", "empty.wav", "kazoo.wav", "binary.wav")
    write_text(tmp_path / TEST_PART / "empty.txt", "\t\n")
    write_text(tmp_path / TEST_PART / "kazoo.txt", "cel\t\nkaz\t\n")
    (tmp_path / TEST_PART / "binary.txt").write_bytes(b"\xff\xfe")
    reasons = left_out(irmas.find(tmp_path))
    assert {Path(name).stem: reason for name, reason in reasons.items()} == {
        "[kaz]0001__1": "unknown label",
        "cello": "no labels",
        "bare": "no labels",
        "empty": "no labels",
        "kazoo": "unknown label",
        "binary": "no labels",
    }


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match="no music of this data set; expected files such as IRMAS-TrainingData"
    ):
        list(irmas.find(tmp_path))


def test_excerpts_of_one_recording_stay_in_one_split_of_a_prepared_store(tmp_path: Path) -> None:
    training = tmp_path / "IRMAS-TrainingData"
    for name in ("cel/[cel]0001__1", "cel/[cel]0001__2", "pia/[pia]0002__1"):
        write_noise(training / f"{name}.wav", 3.0, 44_100, channels=2)
    assert prepare("irmas", tmp_path, tmp_path / "store", "--heldout", "*0001__1.wav") == 0
    stored = recordings(tmp_path / "store").values()
    assert sorted((kept.group, kept.split) for kept in stored) == [
        ("irmas/0001", "heldout"),
        ("irmas/0001", "heldout"),
        ("irmas/0002", "train"),
    ]
