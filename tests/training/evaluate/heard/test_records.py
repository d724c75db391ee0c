"""Records: own rate, both channels, or what the store has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.training.evaluate.heard.conftest import FILE_RATE_HZ, RATE_HZ
from training.evaluate.context import EvaluationContext, SectionError
from training.evaluate.heard.player import Player
from training.evaluate.heard.records import (
    LEAD_S,
    TAIL_S,
    draw_recordings,
    heard,
    load_record,
    resampled,
)
from training.measures.metrics import spectral_distance


@pytest.mark.parametrize("named", ["set", "."])
def test_files_are_heard_in_stereo_at_their_own_rate(
    context: EvaluationContext, player: Player, sources: Path, named: str
) -> None:
    context = replace(context, sources=(sources / named,))
    recording = draw_recordings(context, 1)[0]
    record = load_record(context, player, recording, 1.0, start_s=2.0)
    assert (record.rate_hz, record.is_stereo) == (FILE_RATE_HZ, True)
    sound, _ = soundfile.read(sources / recording.name, dtype="float32")
    begin = 2 * FILE_RATE_HZ
    wanted = sound[begin : begin + FILE_RATE_HZ].T * 10 ** (record.deck.gain_db / 20)
    np.testing.assert_allclose(record.truth, np.clip(wanted, -1, 1), atol=1e-6)
    played = heard(player, [record], {})
    assert played.shape == record.truth.shape
    alike = np.corrcoef(
        resampled(played, FILE_RATE_HZ, RATE_HZ), resampled(record.truth, FILE_RATE_HZ, RATE_HZ)
    )
    assert min(alike[0, 2], alike[1, 3]) > 0.9
    assert abs(alike[0, 3]) < 0.1


def test_without_files_the_store_is_heard(context: EvaluationContext, player: Player) -> None:
    record = load_record(context, player, draw_recordings(context, 1)[0], 1.0)
    assert (record.rate_hz, record.is_stereo) == (RATE_HZ, False)
    np.testing.assert_array_equal(record.samples[0], record.samples[1])
    assert record.seconds == pytest.approx(LEAD_S + 1 + TAIL_S)
    true = record.mid(record.truth)
    played = record.mid(heard(player, [record], {}))
    alone = record.mid(heard(player, [record], {"/detail": 0.0}))
    assert spectral_distance(true, played, 1e-3) < 0.1 * spectral_distance(true, alone, 1e-3)


def test_real_recordings_come_first_and_each_comes_once(context: EvaluationContext) -> None:
    drawn = draw_recordings(context, 9)
    assert [one.score for one in drawn] == [None, None, "piece", "piece"]
    assert len({one.name for one in drawn}) == 4


def test_a_silent_recording_is_named(
    context: EvaluationContext, player: Player, tmp_path: Path
) -> None:
    recording = draw_recordings(context, 1)[0]
    (tmp_path / "set").mkdir()
    soundfile.write(tmp_path / recording.name, np.zeros((5 * RATE_HZ, 2)), RATE_HZ)
    silent = replace(context, sources=(tmp_path,))
    with pytest.raises(SectionError, match=f"{recording.name} cannot be loaded"):
        load_record(silent, player, recording, 1.0)


def test_a_damaged_file_is_named(
    context: EvaluationContext, player: Player, tmp_path: Path
) -> None:
    recording = draw_recordings(context, 1)[0]
    (tmp_path / "set").mkdir()
    (tmp_path / recording.name).write_text("no sound")
    damaged = replace(context, sources=(tmp_path,))
    with pytest.raises(SectionError, match=f"{recording.name} cannot be read"):
        load_record(damaged, player, recording, 1.0)
