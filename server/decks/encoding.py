"""Encodes any sound, from a file or captured, to a deck: the bundle's encoder in ONNX Runtime."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from export.audio.arrays import Floats
from export.audio.beat_tracking import find_beats
from export.audio.model_input import Captured
from export.audio.sequence import Progress, encode_sound, read_sound, take_sound
from export.bundle.format import Manifest
from server.engine.deck import DeckData, recording_of
from server.engine.runtime import RuntimeOptions, open_model

Source = str | Path | Captured
"""A file, or sound in memory."""


class DeckEncoder:
    """Encodes sound to decks with the encoder of a bundle.

    Raises:
        RuntimeUnavailable: the encoder does not load.
    """

    def __init__(self, manifest: Manifest, encoder_onnx: bytes, options: RuntimeOptions) -> None:
        self._manifest = manifest
        self._session = open_model(encoder_onnx, options)

    def encode(self, source: Source, progress: Progress = lambda share: None) -> DeckData:
        """Encode a file or a capture to a deck.

        Raises:
            AudioError: it cannot be used; the message names it.
        """
        if isinstance(source, Captured):
            name, sound = source.name, take_sound(source, self._manifest)
        else:
            name, sound = Path(source).stem, read_sound(source, self._manifest)
        sequence = encode_sound(sound, self._manifest, self._window, progress)
        deck = DeckData(name=name, **vars(sequence))
        loop_samples = deck.ticks * self._manifest.tick_samples
        rate_hz = self._manifest.sample_rate_hz
        recording = recording_of(sound.pcm, rate_hz, loop_samples, sound.mid)
        beats = find_beats(sound.samples, rate_hz)
        return replace(deck, recording=recording, beats=beats)

    def _window(self, samples: Floats) -> tuple[Floats, Floats]:
        style, structure = self._session.run(["style", "structure"], {"audio": samples[None]})
        return style[0], structure[0]
