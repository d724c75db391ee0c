"""A rendered file has exactly the right length, is reproducible, and is never left half-written."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest
import soundfile

from server.controls.desk import Desk
from server.controls.table import control_table
from server.engine.engine import Engine
from server.engine.runtime import RuntimeOptions
from server.engine.session import OrtDecoderSession
from server.output.file import render_file
from server.output.kinds import FILE_KINDS
from server.output.protocol import OutputError
from tests import mini_bundle
from tests.server.fakes import fake_deck

RATE, HOP = mini_bundle.RATE_HZ, mini_bundle.HOP


def engine() -> Engine:
    bundle = mini_bundle.bundle()
    desk = Desk(control_table(mini_bundle.STYLE_DIMS), playing=True)
    session = OrtDecoderSession(bundle, RuntimeOptions("cpu"))
    made = Engine(bundle.manifest, bundle.latents, session, desk)
    made.put_deck("a", fake_deck("a", 0.3))
    return made


@pytest.mark.parametrize("kind", FILE_KINDS)
@pytest.mark.parametrize("seconds", [0.001, 0.5, 1.2345])
def test_a_rendered_file_has_the_requested_length_and_the_models_rate(
    tmp_path: Path, kind: str, seconds: float
) -> None:
    path = tmp_path / f"x.{kind}"
    render_file(engine(), path, kind, seconds, 8)
    info = soundfile.info(path)
    assert info.frames == round(seconds * RATE)
    assert (info.samplerate, info.channels, info.format) == (RATE, 2, kind.upper())
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("block_frames", [1, 8])
def test_the_decoders_latency_is_compensated(tmp_path: Path, block_frames: int) -> None:
    render_file(engine(), tmp_path / "x.wav", "wav", 0.5, block_frames)
    heard, _ = soundfile.read(tmp_path / "x.wav", dtype="float32")
    rendered = engine().render(140).T
    wanted = rendered[mini_bundle.LATENCY :][: len(heard)]
    np.testing.assert_allclose(heard, wanted, atol=3e-4)
    assert np.abs(heard).max() > 0.01


@pytest.mark.parametrize("kind", FILE_KINDS)
def test_the_same_call_gives_the_same_bytes(tmp_path: Path, kind: str) -> None:
    for name in ("one", "two"):
        render_file(engine(), tmp_path / name, kind, 0.5, 8)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_progress_ends_at_one(tmp_path: Path) -> None:
    shares: list[float] = []
    render_file(engine(), tmp_path / "x.wav", "wav", 0.5, 8, shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_interrupted_rendering_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(b"old")

    def interrupt(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_file(engine(), path, "wav", 0.5, 8, interrupt)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("path", ["no/folder/x.wav", "."])
def test_a_path_that_cannot_be_written_raises_output_error(tmp_path: Path, path: str) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        render_file(engine(), tmp_path / path, "wav", 0.5, 8)
