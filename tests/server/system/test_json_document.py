"""A document is old or new, never half-written; an unreadable one is kept under another name."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export.bundle.atomic_write import ABANDONED_S
from server.system import json_document as document
from server.system.json_document import DocumentError, JsonDocument

ROOT = bool(hasattr(os, "geteuid") and os.geteuid() == 0)

WORDS = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(WORDS, inner),
)


def content(found: Mapping[str, Any]) -> Mapping[str, Any]:
    return found


def document_at(folder: Path, version: int = 1) -> JsonDocument:
    return JsonDocument(folder / "thing.json", "thing", version)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(WORDS.filter(lambda word: word != "thing"), JSON))
def test_a_document_survives_writing_and_reading(
    tmp_path_factory: pytest.TempPathFactory, written: Mapping[str, Any]
) -> None:
    kept = document_at(tmp_path_factory.mktemp("kept"))
    kept.write(written)
    assert kept.read(content) == written


def test_the_folder_is_created_by_the_first_write(tmp_path: Path) -> None:
    kept = document_at(tmp_path / "deep" / "er")
    assert kept.read(content) is None and not (tmp_path / "deep").exists()
    kept.write({"a": 1})
    assert files(tmp_path / "deep" / "er") == ["thing.json"]
    assert json.loads(kept.path.read_text()) == {"thing": 1, "a": 1}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"a": 1}',
        b'{"thing": "1"}',
        b'{"thing": true}',
        b'{"thing": 2}',
        b'{"thing": 1, "a": NaN}',
        b'{"thing": 1, "a": 1, "a": 2}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"thing": 1}' + b" " * document.MAX_BYTES,
        b"\0" * 4096,
    ],
    ids=lambda text: repr(text[:30]),
)
def test_an_invalid_file_is_set_aside_and_logged_in_one_line(
    text: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = document_at(tmp_path)
    for number in (1, 2):  # the second does not replace the first
        kept.path.write_bytes(text)
        assert kept.read(content) is None
        assert (tmp_path / f"thing.json.unusable-{number}").read_bytes() == text
    assert files(tmp_path) == ["thing.json.unusable-1", "thing.json.unusable-2"]
    assert len(caplog.messages) == 2
    assert all("\n" not in m and "kept as 'thing.json.unusable-" in m for m in caplog.messages)
    kept.write({"a": 1})
    assert kept.read(content) == {"a": 1}


def test_a_file_that_its_reader_refuses_is_set_aside(tmp_path: Path) -> None:
    def refuse(found: Mapping[str, Any]) -> None:
        raise ValueError("tempo is 'fast'")

    kept = document_at(tmp_path)
    kept.write({"tempo": "fast"})
    kept.read(refuse)
    assert files(tmp_path) == ["thing.json.unusable-1"]


def test_the_next_write_removes_abandoned_temporary_files_but_not_recent_ones(
    tmp_path: Path,
) -> None:
    for name, age_s in (("old", 2 * ABANDONED_S), ("young", 0.0)):
        path = tmp_path / f".latent-deck-{name}.part"
        path.touch()
        os.utime(path, (time.time() - age_s,) * 2)
    document_at(tmp_path).write({})
    assert files(tmp_path) == [".latent-deck-young.part", "thing.json"]


def test_undecodable_file_names_survive_a_round_trip(tmp_path: Path) -> None:
    kept = document_at(tmp_path)
    kept.write({"deck": "\udcff.wav"})
    assert kept.read(content) == {"deck": "\udcff.wav"}


def test_a_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    kept = document_at(tmp_path)
    kept.path.write_bytes(b"\xef\xbb\xbf" + b'{"thing": 1, "a": "\xc3\xa9"}')
    assert kept.read(content) == {"a": "\u00e9"}


def test_a_symbolic_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    kept = document_at(tmp_path)
    kept.path.symlink_to(tmp_path / "elsewhere" / "thing.json")
    kept.write({"a": 1})
    assert kept.path.is_symlink() and kept.read(content) == {"a": 1}


@pytest.mark.parametrize("make", ["file", "folder"])
def test_an_obstructed_path_fails_with_one_line_and_is_left_alone(
    make: str, tmp_path: Path
) -> None:
    kept = JsonDocument(tmp_path / "in" / "thing.json", "thing")
    if make == "file":
        (tmp_path / "in").write_text("mine")
    else:
        kept.path.mkdir(parents=True)
    before = files(tmp_path)
    assert kept.read(content) is None
    with pytest.raises(DocumentError, match=r"^cannot (read|write) '.*thing\.json' \(\w.*\)$"):
        kept.write({})
    assert files(tmp_path) == before


@pytest.mark.skipif(ROOT, reason="root may read and write everything")
def test_an_unreadable_file_is_not_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = document_at(tmp_path)
    kept.write({"a": 1})
    kept.path.chmod(0)
    assert kept.read(content) is None and "going on without it" in caplog.text
    with pytest.raises(DocumentError, match="Permission denied"):
        kept.write({"a": 2})
    kept.path.chmod(0o600)
    assert kept.read(content) == {"a": 1}


def test_a_full_disk_keeps_the_old_document_and_leaves_no_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    kept = document_at(tmp_path)
    kept.write({"a": 1})
    monkeypatch.setattr(document.os, "fsync", full)
    with pytest.raises(DocumentError, match=r"thing\.json' \(No space left on device\)"):
        kept.write({"a": 2})
    assert kept.read(content) == {"a": 1} and files(tmp_path) == ["thing.json"]


WRITER = """
import sys, itertools
from pathlib import Path
from server.system.json_document import JsonDocument
kept = JsonDocument(Path(sys.argv[1]), "thing")
for number in itertools.count():
    kept.write({"number": number, "filler": [number] * 20_000})
    print(number, flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_after_a_kill_at_any_moment_the_document_is_the_last_or_next_one(tmp_path: Path) -> None:
    kept = document_at(tmp_path)
    for wait in range(12):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(kept.path)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            said = [int(writer.stdout.readline()) for _ in range(1 + wait)]
            writer.send_signal(signal.SIGKILL)
            said += [int(line) for line in writer.stdout if line.endswith("\n")]
        found = kept.read(content)
        assert found is not None and set(found["filler"]) == {found["number"]}
        assert found["number"] in (said[-1], said[-1] + 1)
