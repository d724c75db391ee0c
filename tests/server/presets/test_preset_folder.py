"""The preset folder: files survive any kill, take any name, and may come from elsewhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from server.presets.preset import Preset
from server.presets.preset_folder import PresetFolder, file_stem
from server.system.json_document import DocumentError

NAMES = [
    "Verse / loud",
    "verse / loud",
    "VERSE-LOUD",
    "../../escape",
    "/absolute",
    "..",
    ".hidden",
    "CON",
    "nul.json",
    "\u00e9t\u00e9",
    "ete",
    "\u97f3\u697d",
    "\U0001f3b9",
    "a" * 100,
    "\u97f3" * 100,
    "-rf *",
]


def preset(name: str, pitch: float = 0.0, program: int | None = None) -> Preset:
    return Preset(name, "default", {"/pitch": pitch}, {}, program)


def test_every_name_gets_its_own_file_inside_the_folder(tmp_path: Path) -> None:
    folder = PresetFolder(tmp_path / "config")
    for number, name in enumerate(NAMES):
        assert folder.save(preset(name, number)).program == number
    assert [p.name for p in tmp_path.rglob("*")].count("presets") == 1
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.parent for path in files} == {tmp_path / "config" / "presets"}
    assert len({path.name.casefold() for path in files}) == len(NAMES)
    assert all(path.name.isascii() and len(path.name) < 80 for path in files)
    found = PresetFolder(tmp_path / "config").presets()
    assert [(one.name, one.values["/pitch"]) for one in found] == list(
        zip(NAMES, range(len(NAMES)), strict=True)
    )


def test_saving_again_replaces_and_keeps_the_program(tmp_path: Path) -> None:
    folder = PresetFolder(tmp_path)
    folder.save(preset("x", 1.0, 7))
    assert folder.save(preset("y")).program == 8
    assert folder.save(preset("x", 2.0)).program == 7
    assert folder.save(preset("x", 2.0, 9)).program == 9
    assert {one.name: one.values["/pitch"] for one in folder.presets()} == {"x": 2.0, "y": 0.0}


def test_a_taken_program_number_is_refused_and_nothing_changes(tmp_path: Path) -> None:
    folder = PresetFolder(tmp_path)
    folder.save(preset("x", 1.0, 7))
    with pytest.raises(DocumentError, match=r"^program 7 is that of preset 'x'$"):
        folder.save(preset("y", 2.0, 7))
    assert [one.name for one in folder.presets()] == ["x"]


def test_programs_are_numbered_after_the_last_then_fill_gaps_then_run_out(tmp_path: Path) -> None:
    folder = PresetFolder(tmp_path)
    folder.save(preset("last", program=126))
    given = [folder.save(preset(str(number))).program for number in range(128)]
    assert given == [127, *range(126), None]


def test_a_foreign_preset_file_can_be_found_saved_and_deleted(tmp_path: Path) -> None:
    folder = PresetFolder(tmp_path)
    folder.save(preset("mine"))
    mailed = tmp_path / "presets" / "From Bob (1).json"
    mailed.write_text('{"preset": 1, "name": "Bob / 1", "values": {"/pitch": 3}}')
    assert [(one.name, one.program) for one in folder.presets()] == [("mine", 0), ("Bob / 1", None)]
    folder.save(preset("Bob / 1", 4.0))
    assert json.loads(mailed.read_text())["values"] == {"/pitch": 4.0}
    folder.delete("Bob / 1")
    assert not mailed.exists() and [one.name for one in folder.presets()] == ["mine"]
    with pytest.raises(DocumentError, match=r"^there is no preset 'Bob / 1'; /preset/list"):
        folder.delete("Bob / 1")


def test_an_edited_file_is_read_again(tmp_path: Path) -> None:
    folder = PresetFolder(tmp_path)
    folder.save(preset("x"))
    (path,) = (tmp_path / "presets").iterdir()
    path.write_text(path.read_text().replace('"x"', '"other"'))
    assert [one.name for one in folder.presets()] == ["other"]
    folder.save(preset("x", 1.0))  # its file now holds another preset
    assert {one.name: one.values["/pitch"] for one in folder.presets()} == {"other": 0, "x": 1}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "\0" * 100,
        '{"preset": 2, "name": "x"}',
        '{"preset": 1, "name": "x", "program": 999}',
        '{"map": 1, "name": "x"}',
        "[" * 10_000,
    ],
    ids=lambda text: text[:20],
)
def test_an_invalid_file_is_logged_once_and_never_lost(
    text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = PresetFolder(tmp_path)
    path = tmp_path / "presets" / f"{file_stem('x')}.json"
    path.parent.mkdir()
    path.write_text(text)
    assert folder.presets() == folder.presets() == ()
    assert len(caplog.messages) == 1 and "\n" not in caplog.text.strip()
    folder.save(preset("x", 1.0))  # would take its place
    assert path.with_name(f"{path.name}.unusable-1").read_text() == text
    assert [one.values["/pitch"] for one in folder.presets()] == [1.0]


def test_two_files_with_one_name_are_reported_and_the_first_is_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = PresetFolder(tmp_path)
    folder.save(preset("x", 1.0))
    (path,) = (tmp_path / "presets").iterdir()
    path.with_name("zz copy.json").write_text(path.read_text().replace("1.0", "2.0"))
    assert [one.values["/pitch"] for one in folder.presets()] == [1.0]
    assert "are both preset 'x'; the first one counts" in caplog.text


def test_a_file_in_place_of_the_folder_fails_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "presets").write_text("mine")
    folder = PresetFolder(tmp_path)
    with pytest.raises(DocumentError, match=r"^cannot read '.*presets' \(Not a directory\)$"):
        folder.presets()
    assert (tmp_path / "presets").read_text() == "mine"


WRITER = """
import itertools, sys
from pathlib import Path
from server.presets.preset_folder import PresetFolder
from server.presets.preset import Preset
folder = PresetFolder(Path(sys.argv[1]))
for number in itertools.count():
    values = {f"/latent/{n}": number for n in range(500)}
    folder.save(Preset(f"take / {number % 3}", "default", values, {}))
    print(number, flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_after_a_kill_at_any_moment_every_preset_is_whole(tmp_path: Path) -> None:
    for kill in range(15):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            said = [int(writer.stdout.readline()) for _ in range(3 + kill)]
            writer.send_signal(signal.SIGKILL)
            said += [int(line) for line in writer.stdout if line.endswith("\n")]
        for one in PresetFolder(tmp_path).presets():
            which = int(one.name.split()[-1])
            last = max(number for number in said if number % 3 == which)
            (number,) = set(one.values.values())
            assert len(one.values) == 500 and number in (last, last + 3)
        assert len(PresetFolder(tmp_path).presets()) == 3


EVERY_LINE = """
import os, shutil, signal, sys
from pathlib import Path
from server.presets.preset_folder import PresetFolder
from server.presets.preset import Preset

config, is_there = Path(sys.argv[1]), sys.argv[2] == "there"

def save_and_die(number):
    line = number
    def count(frame, event, argument):
        nonlocal line
        if not {"server", "export"} & set(Path(frame.f_code.co_filename).parts):
            return None
        if event == "line":
            line -= 1
            if line == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return count
    sys.settrace(count)
    save(number)
    os._exit(0)

def save(number):
    PresetFolder(config).save(Preset("x", "", {"/pitch": number, "/speed": number}, {}))

def saved():
    found = [set(one.values.values()) for one in PresetFolder(config).presets()]
    assert len(found) == len(list(config.glob("presets/*.json")))  # none is half
    return found

if is_there:
    save(0)
lines, before = 0, saved()
while True:
    lines += 1
    if os.fork() == 0:
        save_and_die(lines)
    _, status = os.wait()
    assert saved() in (before, [{lines}]), (lines, saved())
    if os.WIFEXITED(status):
        break
    rests = list(config.glob("presets/.*"))
    assert len(rests) <= 1
    for rest in rests:
        rest.unlink()
    if is_there:
        before = saved()
    else:
        shutil.rmtree(config, ignore_errors=True)
assert saved() == [{lines}] and os.WEXITSTATUS(status) == 0
print(lines)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("kind", ["new", "there"])
def test_after_a_kill_at_any_line_of_a_save_the_preset_is_old_or_new(
    kind: str, tmp_path: Path
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", EVERY_LINE, str(tmp_path / "config"), kind],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 50


def test_saving_a_preset_with_another_program_number_moves_it(tmp_path: Path) -> None:
    folder = PresetFolder(tmp_path)
    saved = folder.save(preset("x"))
    assert folder.save(replace(saved, program=99)).program == 99
    assert [one.program for one in folder.presets()] == [99]
