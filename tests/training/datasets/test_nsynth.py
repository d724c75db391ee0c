"""NSynth: three parts, each with its table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
from training.datasets import nsynth
from training.datasets.listing import SourceError

NOTE = "bass_synthetic_033-022-050"


def facts(note: str, **more: Any) -> dict[str, Any]:
    instrument, pitch, velocity = note.split("-")
    family, source, _ = instrument.rsplit("_", 2)
    known = {
        "instrument_str": instrument,
        "instrument_family_str": family,
        "instrument_source_str": source,
        "pitch": int(pitch),
        "velocity": int(velocity),
        "sample_rate": 16_000,
    }
    return known | more


def write_table(part: Path, **notes: dict[str, Any]) -> None:
    write_text(part / "examples.json", json.dumps(notes))


def part(root: Path, name: str, *notes: str) -> Path:
    folder = root / f"nsynth-{name}"
    write_table(folder, **{note: facts(note) for note in notes})
    touch(folder / "audio", *(f"{note}.wav" for note in notes))
    return folder


def test_a_note_has_family_source_pitch_and_velocity(tmp_path: Path) -> None:
    lead = "synth_lead_synthetic_001-060-127"
    found = entries(nsynth.find(part(tmp_path, "train", NOTE, lead)))
    note = found[f"nsynth-train/audio/{NOTE}.wav"]
    assert note.labels == {
        "instrument": "bass",
        "source": "synthetic",
        "pitch": "22",
        "velocity": "50",
        "official_split": "train",
    }
    assert (note.split, note.group) == ("train", "nsynth/bass_synthetic_033")
    assert found[f"nsynth-train/audio/{lead}.wav"].labels["instrument"] == "synth_lead"


def test_the_parts_are_found_side_by_side(tmp_path: Path) -> None:
    part(tmp_path, "train", "bass_synthetic_001-022-050")
    part(tmp_path, "valid", "bass_synthetic_002-022-050")
    part(tmp_path, "test", "bass_synthetic_003-022-050")
    found = entries(nsynth.find(tmp_path)).values()
    assert sorted((entry.labels["official_split"], entry.split) for entry in found) == [
        ("test", "heldout"),
        ("train", "train"),
        ("valid", "heldout"),
    ]


def test_files_rows_and_labels_that_do_not_match_are_reported(tmp_path: Path) -> None:
    names = ("a", "b", "c", "d")
    folder = tmp_path / "nsynth-train"
    rowless, gone, foreign, half = (f"bass_acoustic_{name}-001-002" for name in names)
    write_table(
        folder,
        **{
            gone: facts(gone),
            foreign: facts(foreign, instrument_family_str="kazoo"),
            half: {"pitch": 1},
        },
    )
    touch(folder / "audio", *(f"{note}.wav" for note in (rowless, foreign, half)))
    reasons = left_out(nsynth.find(folder))
    assert {Path(name).stem: reason for name, reason in reasons.items()} == {
        rowless: "no row",
        gone: "missing",
        foreign: "unknown label",
        half: "bad row",
    }


@pytest.mark.parametrize(
    ("text", "said"), [('{"bass_synth', "damaged or cut short"), ("[]", "not a table of notes")]
)
def test_a_damaged_table_is_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    folder = part(tmp_path, "train", NOTE)
    write_text(folder / "examples.json", text)
    with pytest.raises(SourceError, match=said) as caught:
        list(nsynth.find(folder))
    assert "\n" not in str(caught.value)


def test_a_missing_table_and_a_part_with_another_name_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, "audio/a.wav")
    with pytest.raises(SourceError, match=r"no nsynth-train/examples\.json"):
        list(nsynth.find(tmp_path))
    write_table(tmp_path / "mine")
    with pytest.raises(SourceError, match="name this folder nsynth-train"):
        list(nsynth.find(tmp_path))


def test_a_prepared_note_keeps_its_labels(tmp_path: Path) -> None:
    folder = part(tmp_path, "test", NOTE)
    write_noise(folder / "audio" / f"{NOTE}.wav", 4.0)
    assert prepare("nsynth", folder, tmp_path / "store") == 0
    (stored,) = recordings(tmp_path / "store").values()
    assert (stored.length, stored.split) == (64_000, "heldout")
    assert (stored.label("pitch"), stored.label("instrument")) == (("22",), ("bass",))
