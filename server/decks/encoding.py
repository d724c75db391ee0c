"""Encodes any sound, from a file or captured, to a deck: the bundle's graphs in ONNX Runtime.

read -> encoder: style, structure -> decoder: reference -> beats, mean spectrum -> deck
        (a library deck has these)   (format 2)
"""

from __future__ import annotations

from dataclasses import replace

from export.audio.arrays import Floats
from export.audio.beat_tracking import find_beats
from export.audio.sequence import Progress, SoundSource, encode_sound
from server.decks.array_files import ArrayFiles
from server.decks.graphs import EncodingGraphs
from server.decks.mean_spectrum import mean_spectrum
from server.decks.reading import ReadSource, Source, read_source
from server.decks.reference import ReferenceDecoder
from server.engine.deck import DeckData, library_deck
from server.engine.runtime import RuntimeOptions, open_model

_ENCODING_SHARE = 0.65
"""Of the time: encoding runs at 40 times real time, the reference at 70 (built-in bundle)."""


class DeckEncoder:
    """Encodes sound to decks with the graphs of a bundle.

    Raises:
        RuntimeUnavailable: a graph does not load.
    """

    def __init__(
        self, graphs: EncodingGraphs, options: RuntimeOptions, files: ArrayFiles | None = None
    ) -> None:
        """Large arrays go to ``files``; by default to files without a name."""
        self._manifest = graphs.manifest
        self._files = files or ArrayFiles()
        self._session = open_model(graphs.encoder_onnx, options)
        self._reference = (
            ReferenceDecoder(graphs.manifest, graphs.decoder_onnx)
            if graphs.manifest.gives_spectra
            else None
        )

    def encode(self, source: Source, progress: Progress = lambda share: None) -> DeckData:
        """Encode a file or a capture to a deck, or complete a library deck that has a recording.

        Raises:
            AudioError: it cannot be used; the message names it.
        """
        return self.encode_read(read_source(source, self._manifest, self._files), progress)

    def encode_read(self, read: ReadSource, progress: Progress = lambda share: None) -> DeckData:
        """Encode what has been read.

        Raises:
            AudioError: it cannot be used; the message names it.
        """
        if read.stored is not None:
            deck = replace(library_deck(read.stored), recording=read.recording)
            return self._with_reference(deck, progress)
        assert read.sound is not None
        share = _ENCODING_SHARE if self._reference else 1.0
        deck = self._encoded(read, read.sound, lambda done: progress(done * share))
        return self._with_reference(deck, lambda done: progress(share + done * (1 - share)))

    def _encoded(self, read: ReadSource, sound: SoundSource, progress: Progress) -> DeckData:
        sequence = encode_sound(sound, self._manifest, self._window, progress)
        return DeckData(
            name=read.name,
            **vars(sequence),
            recording=read.recording,
            beats=find_beats(sound.samples, self._manifest.sample_rate_hz),
        )

    def _with_reference(self, deck: DeckData, progress: Progress) -> DeckData:
        """Return the deck with all that detail needs, if the decoder gives spectra."""
        if self._reference is None or deck.recording is None:
            return deck
        path = self._files.new("reference")
        return replace(
            deck,
            mean_spectrum=mean_spectrum(deck.recording, self._manifest),
            reference=self._reference.log_magnitudes(deck, path, progress),
        )

    def _window(self, samples: Floats) -> tuple[Floats, Floats]:
        style, structure = self._session.run(["style", "structure"], {"audio": samples[None]})
        return style[0], structure[0]
