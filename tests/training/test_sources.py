"""What is converted: chosen by globs, under one name each, kin on one side."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.datasets.listing import Entry, LeftOut, SourceError
from training.sources import hold_out, kin_held_out, plan


def entry(path: Path, name: str = "", **more: str) -> Entry:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return Entry(path, name or f"{path.parent.name}/{path.name}", **more)  # type: ignore[arg-type]


def test_a_job_says_all_that_is_known(tmp_path: Path) -> None:
    found = Entry(tmp_path / "a.wav", "set/a.wav", "heldout", {"genre": "jazz"}, "artist", "a.mid")
    found.path.write_bytes(b"four")
    (job,) = plan([found], [], []).jobs
    assert job.path == found.path
    assert (job.recording.name, job.recording.split) == ("set/a.wav", "heldout")
    assert (job.recording.labels, job.recording.group) == ({"genre": "jazz"}, "artist")
    assert (job.recording.midi, job.recording.source_bytes) == ("a.mid", 4)


@pytest.mark.parametrize("glob", ["set/deep/a.wav", "deep/*", "a.wav", "*/deep/a.*"])
def test_globs_match_the_name_the_path_inside_and_the_file(tmp_path: Path, glob: str) -> None:
    found = entry(tmp_path / "set" / "deep" / "a.wav", "set/deep/a.wav")
    assert not plan([found], [glob], []).jobs
    (job,) = plan([found], [], [glob]).jobs
    assert job.recording.split == "heldout"


def test_one_held_out_takes_its_group_and_its_score_with_it(tmp_path: Path) -> None:
    found = [
        entry(tmp_path / "a.wav", group="one"),
        entry(tmp_path / "b.wav", group="one", split="heldout"),
        entry(tmp_path / "c.wav", score="two"),
        entry(tmp_path / "d.wav", score="two", split="heldout"),
        entry(tmp_path / "e.wav", group="three"),
        entry(tmp_path / "f.wav"),
    ]
    jobs = plan(found, [], []).jobs
    held = kin_held_out(job.recording for job in jobs)
    splits = [job.recording.split for job in hold_out(jobs, held)]
    assert splits == ["heldout"] * 4 + ["train"] * 2


def test_a_file_that_vanished_after_the_listing_is_told(tmp_path: Path) -> None:
    found = [entry(tmp_path / "a.wav"), entry(tmp_path / "b.wav"), LeftOut("c", "corrupt", "why")]
    found[0].path.unlink()  # type: ignore[union-attr]
    planned = plan(found, [], [])
    assert [job.path.name for job in planned.jobs] == ["b.wav"]
    assert [each.reason for each in planned.left_out] == ["missing", "corrupt"]


def test_one_folder_twice_is_one_but_two_of_one_name_are_refused(tmp_path: Path) -> None:
    first = entry(tmp_path / "one" / "music" / "a.wav")
    assert len(plan([first, first], [], []).jobs) == 1
    second = entry(tmp_path / "two" / "music" / "a.wav")
    with pytest.raises(SourceError, match=r"both go by the name music/a\.wav; rename one"):
        plan([first, second], [], [])
