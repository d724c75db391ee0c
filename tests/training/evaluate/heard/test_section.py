"""The whole section, from the command line to the page."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from export.bundle.archive import write_bundle
from tests import mini_bundle
from training.evaluate.__main__ import main
from training.evaluate.heard.section import QUESTIONS

FEW = ["--only", "heard", "--clips", "1", "--seconds", "1", "--shown", "1"]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "mini.bundle"
    write_bundle(path, mini_bundle.spectra_bundle())
    return path


def evaluate(*arguments: object) -> tuple[dict[str, Any], str]:
    given = [str(one) for one in arguments]
    assert main(given) == 0
    out = Path(given[given.index("-o") + 1])
    section: dict[str, Any] = json.loads((out / "report.json").read_text())["heard"]
    return section, (out / "index.html").read_text()


def test_every_question_is_answered_beside_its_goals(
    bundle: Path,
    heard_store: Path,
    sources: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "report"
    given = (bundle, "--data", heard_store, "--sources", sources, "-o", out, *FEW)
    section, page = evaluate(*given)
    assert (section["records"], section["stereo"]) == (1, 1)
    said = capsys.readouterr().out
    for question in QUESTIONS:
        answer = section["questions"][question.name]
        assert "left_out" not in answer, answer
        assert any(goal["goal"] for goal in answer["goals"])
        for goal in answer["goals"]:
            assert goal["words"] in html.unescape(page)
            assert goal["words"] in said
    rest = section["questions"]["rest"]["summary"]
    distances = {method: one["spectral_distance"]["mean"] for method, one in rest.items()}
    assert distances["detail_1"] < distances["detail_half"] < distances["detail_0"]
    assert len(section["questions"]["rest"]["shown"][0]["panels"]) == 4
    assert "http" not in page
    media = set(re.findall(r'src="([^"]+)"', page))
    assert media == {f"media/{path.name}" for path in (out / "media").iterdir()}


def test_what_cannot_be_asked_is_left_out_with_the_reason(
    bundle: Path, tmp_path: Path, heard_store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = json.loads((heard_store / "index.json").read_text())
    index["recordings"] = [one for one in index["recordings"] if one["name"] == "set/one.wav"]
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "audio.i16").write_bytes((heard_store / "audio.i16").read_bytes())
    (alone / "index.json").write_text(json.dumps(index))
    section, page = evaluate(bundle, "--data", alone, "-o", tmp_path / "report", *FEW)
    reasons = {name: answer.get("left_out") for name, answer in section["questions"].items()}
    assert "two recordings are needed" in reasons["style"]
    assert "two instruments" in reasons["transfer"]
    assert reasons["rest"] is None
    assert section["stereo"] == 0
    assert "Style left out: two recordings" in capsys.readouterr().out
    assert "Left out: two recordings" in page


def test_a_bundle_without_detail_is_refused_with_what_to_do(
    heard_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "old.bundle"
    write_bundle(old, mini_bundle.bundle())
    assert main([str(old), "--data", str(heard_store), "-o", str(tmp_path / "r"), *FEW]) == 2
    assert "python -m export" in capsys.readouterr().err


def test_a_missing_folder_of_sources_is_refused(
    bundle: Path, heard_store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(bundle), "--data", str(heard_store), "--sources", "nowhere"])
    assert ended.value.code == 2
    assert "no folder nowhere" in capsys.readouterr().err
