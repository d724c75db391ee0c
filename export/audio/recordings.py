"""The recordings of library decks: stereo Ogg Vorbis, as a bundle holds them.

Vorbis keeps the first sample in its place and the length exact: what is decoded is as long as what
was encoded, and not shifted. Libraries are imported inside functions, as in ``model_input``.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.audio.arrays import Floats
from export.audio.errors import AudioError
from export.audio.stereo import FULL_SCALE, to_pcm

CHANNELS = 2
LONGEST_S = 600.0
"""A longer recording is not kept: a few bytes of a damaged file could stand for hours."""


_BLOCK_FRAMES = 1 << 16
_COMPRESSION = 0.4
"""0 is libsndfile's best quality, 1 its smallest file. The ten decks of ``default_card.json``, 861
s at 44.1 kHz, take 13.7 MB (at 0.5 11.8), 25 to 33 dB above their coding noise."""

_HIGHEST_HZ = 200_000
"""Vorbis has none beyond, and libsndfile 1.2.2 crashes instead of saying so."""


def encode_recording(pcm: NDArray[np.int16], sample_rate_hz: int) -> bytes:
    """Encode a stereo recording (T, 2) for a bundle.

    Raises:
        AudioError: not stereo, empty, longer than ``LONGEST_S``, or a rate that Vorbis cannot have.
    """
    import soundfile

    _check(len(pcm), pcm.shape[1], sample_rate_hz, sample_rate_hz)
    if sample_rate_hz > _HIGHEST_HZ:
        raise AudioError(
            "corrupt", f"is at {sample_rate_hz} Hz; Vorbis goes up to {_HIGHEST_HZ} Hz"
        )
    file = io.BytesIO()
    with soundfile.SoundFile(
        file,
        "w",
        sample_rate_hz,
        CHANNELS,
        format="OGG",
        subtype="VORBIS",
        compression_level=_COMPRESSION,
    ) as sound:
        for first in range(0, len(pcm), _BLOCK_FRAMES):
            sound.write(pcm[first : first + _BLOCK_FRAMES] / np.float32(FULL_SCALE))
    return file.getvalue()


def decode_recording(data: bytes, sample_rate_hz: int) -> NDArray[np.int16]:
    """Decode a recording of a bundle to stereo samples (T, 2).

    Raises:
        AudioError: as ``recording_blocks``.
    """
    return np.concatenate([*recording_blocks(data, sample_rate_hz)])


def recording_blocks(data: bytes, sample_rate_hz: int) -> Iterator[NDArray[np.int16]]:
    """Decode a recording of a bundle block by block (T, 2), a second or two each.

    Damage inside may shorten it or be heard; a bundle's checksums find it first.

    Raises:
        AudioError: damaged, no Ogg Vorbis, not stereo, at another rate, or longer than
            ``LONGEST_S``.
    """
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(data)) as sound:
            if (sound.format, sound.subtype) != ("OGG", "VORBIS"):
                raise AudioError("corrupt", f"is {sound.format} {sound.subtype}, not Ogg Vorbis")
            _check(sound.frames, sound.channels, sound.samplerate, sample_rate_hz)
            yield from _decoded(sound)
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise AudioError("corrupt", f"cannot be read as Ogg Vorbis ({error})") from error


def _check(frames: int, channels: int, rate_hz: int, wanted_hz: int) -> None:
    if channels != CHANNELS:
        raise AudioError("corrupt", f"has {channels} channels, not {CHANNELS}")
    if rate_hz != wanted_hz:
        raise AudioError("corrupt", f"is at {rate_hz} Hz, not at the model's {wanted_hz} Hz")
    if not 0 < frames <= LONGEST_S * rate_hz:
        raise AudioError(
            "corrupt",
            f"lasts {frames / rate_hz:g} s; more than 0 and at most {LONGEST_S:g} are kept",
        )


def _decoded(sound: Any) -> Iterator[NDArray[np.int16]]:
    """All frames that the file states; libsndfile stops early where pages are damaged."""
    filled = 0
    while filled < sound.frames:
        block: Floats = sound.read(min(_BLOCK_FRAMES, sound.frames - filled), dtype="float32")
        if not len(block):
            raise AudioError("corrupt", f"ends after {filled} of {sound.frames} samples")
        # As 16-bit integers, libsndfile would wrap what Vorbis decodes beyond full scale.
        yield to_pcm(block, 1.0)
        filled += len(block)
