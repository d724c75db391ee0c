"""Any sound on a deck, from a file or captured: the bundle's encoder, run by ONNX Runtime."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from export.audio.beat_tracking import find_beats
from export.audio.model_input import Captured, Samples
from export.audio.sequence import Progress, encode_sound, read_sound, take_sound
from export.bundle.format import Manifest
from server.engine.deck import DeckData, recording_of
from server.engine.runtime import RuntimeOptions, open_model
from server.system.arrays import Floats

Source = str | Path | Captured
"""What may be encoded: a file, or sound in memory."""


class DeckEncoder:
    """Puts audio files on decks with the encoder of a bundle.

    Raises:
        RuntimeUnavailable: the encoder does not load.
    """

    def __init__(self, manifest: Manifest, encoder_onnx: bytes, options: RuntimeOptions) -> None:
        self._manifest = manifest
        self._session = open_model(encoder_onnx, options)

    def encode(self, source: Source, progress: Progress = lambda share: None) -> DeckData:
        """The deck of one file, or of what was captured.

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
        kept = recording_of(sound.samples, self._manifest.sample_rate_hz, loop_samples)
        beats = find_beats(sound.samples, self._manifest.sample_rate_hz)
        return replace(deck, recording=kept, beats=beats)

    def _window(self, samples: Samples) -> tuple[Floats, Floats]:
        style, structure = self._session.run(["style", "structure"], {"audio": samples[None]})
        return style[0], structure[0]
