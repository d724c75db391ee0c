"""The files to convert: chosen by globs, each under one name, kin in one split."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.datasets.listing import LeftOut, ListedFile, SourceError
from training.prepare.held_out import draw_held_out, hold_out, kin_held_out
from training.prepare.sources import plan
from training.store.index import StoredRecording


def entry(path: Path, name: str = "", **more: str) -> ListedFile:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return ListedFile(path, name or f"{path.parent.name}/{path.name}", **more)  # type: ignore[arg-type]


def test_a_job_says_all_that_is_known(tmp_path: Path) -> None:
    found = ListedFile(
        tmp_path / "a.wav", "set/a.wav", "heldout", {"genre": "jazz"}, "artist", "a.mid"
    )
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


def recordings(count: int, group_size: int = 1) -> list[StoredRecording]:
    return [
        StoredRecording(f"set/{n}.wav", 0, 1, 0.0, "train", group=f"group {n // group_size}")
        for n in range(count)
    ]


def test_a_share_is_drawn_in_any_order_and_kin_together() -> None:
    every = recordings(400, group_size=2)
    held = {one.name for one in draw_held_out(every, 0.1)}
    assert len(held) == 40
    assert all((f"set/{n}.wav" in held) == (f"set/{n + 1}.wav" in held) for n in range(0, 400, 2))
    assert {one.name for one in draw_held_out(every[::-1], 0.1)} == held


@pytest.mark.parametrize(("count", "held"), [(0, 0), (1, 0), (2, 1), (3, 1)])
def test_of_a_few_recordings_one_is_drawn_and_never_all(count: int, held: int) -> None:
    assert len(list(draw_held_out(recordings(count), 1e-9))) == held


def test_a_file_that_vanished_after_the_listing_is_told(tmp_path: Path) -> None:
    found = [entry(tmp_path / "a.wav"), entry(tmp_path / "b.wav"), LeftOut("c", "corrupt", "why")]
    found[0].path.unlink()  # type: ignore[union-attr]
    planned = plan(found, [], [])
    assert [job.path.name for job in planned.jobs] == ["b.wav"]
    assert [each.reason for each in planned.left_out] == ["missing", "corrupt"]


def test_a_folder_and_its_parent_have_each_file_once(tmp_path: Path) -> None:
    path = tmp_path / "all" / "music" / "a.wav"
    inside, outside = entry(path, "music/a.wav"), ListedFile(path, "all/music/a.wav")
    planned = plan([inside, outside], [], ["all/*"])
    (job,) = planned.jobs
    assert (job.recording.name, job.recording.split) == ("music/a.wav", "heldout")
    (repeat,) = planned.left_out
    assert (repeat.name, repeat.reason, repeat.why) == (
        "all/music/a.wav",
        "repeat",
        "the same file as music/a.wav",
    )


def test_one_folder_twice_is_one_but_two_of_one_name_are_refused(tmp_path: Path) -> None:
    first = entry(tmp_path / "one" / "music" / "a.wav")
    assert len(plan([first, first], [], []).jobs) == 1
    second = entry(tmp_path / "two" / "music" / "a.wav")
    with pytest.raises(SourceError, match=r"both go by the name music/a\.wav; rename one"):
        plan([first, second], [], [])
