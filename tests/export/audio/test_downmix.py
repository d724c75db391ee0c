"""Channels of any layout as two, by ITU-R BS.775."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from export.audio.downmix import to_stereo
from export.audio.model_input import read_stereo
from tests.encoded_audio import write_audio

HALF = 0.7071068


@pytest.mark.parametrize(
    ("names", "left", "right"),
    [
        (("FC",), (1,), (1,)),
        (("NONE",), (1,), (1,)),
        (("FL", "FR"), (1, 0), (0, 1)),
        (("NONE", "NONE"), (1, 0), (0, 1)),
        (
            ("FL", "FR", "FC", "LFE", "SL", "SR"),
            (1, 0, HALF, 0, HALF, 0),
            (0, 1, HALF, 0, 0, HALF),
        ),
        (("FL", "FR", "FC", "BC"), (1, 0, HALF, 0.5), (0, 1, HALF, 0.5)),
        (("NONE",) * 4, (0.25,) * 4, (0.25,) * 4),
    ],
)
def test_each_channel_has_its_share_of_each_side(
    names: tuple[str, ...], left: tuple[float, ...], right: tuple[float, ...]
) -> None:
    channels = np.eye(len(names), dtype=np.float32)
    mixed = to_stereo(channels, names)
    np.testing.assert_allclose(mixed, np.stack([left, right], axis=1), atol=1e-6)


def test_a_file_in_5_1_keeps_its_sides(tmp_path: Path) -> None:
    time_s = np.arange(48_000) / 48_000
    hz = (400, 600, 800, 50, 1000, 1200)
    channels = 0.1 * np.sin(2 * np.pi * np.outer(time_s, hz))
    path = write_audio(tmp_path / "x.wav", channels, 48_000, "pcm_f32le", layout="5.1")
    sound = read_stereo(path, 48_000).samples
    levels = 2 * np.abs(np.fft.rfft(sound, axis=0))[list(hz)] / 48_000
    expected = [[1, 0], [0, 1], [HALF, HALF], [0, 0], [HALF, 0], [0, HALF]]
    np.testing.assert_allclose(levels, 0.1 * np.array(expected), atol=1e-4)


def test_eight_unnamed_channels_become_their_mean(tmp_path: Path) -> None:
    time_s = np.arange(22_050) / 22_050
    channels = np.sin(2 * np.pi * 440 * time_s)[:, None] * np.linspace(0, 0.7, 8)
    soundfile.write(tmp_path / "x.wav", channels, 22_050, subtype="FLOAT")
    sound = read_stereo(tmp_path / "x.wav", 22_050).samples
    np.testing.assert_allclose(sound, np.stack([channels.mean(axis=1)] * 2, axis=1), atol=1e-6)
