"""Any audio file on a deck: the bundle's encoder, run by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

from export.audio import Samples
from export.bundle import Manifest
from export.sequence import Progress, encode_file
from server.deck import DeckData
from server.runtime import RuntimeOptions, open_model
from server.session import Floats


class DeckEncoder:
    """Puts audio files on decks with the encoder of a bundle.

    Raises:
        RuntimeUnavailable: the encoder does not load.
    """

    def __init__(self, manifest: Manifest, encoder_onnx: bytes, options: RuntimeOptions) -> None:
        self._manifest = manifest
        self._session = open_model(encoder_onnx, options)

    def encode(self, path: str | Path, progress: Progress = lambda share: None) -> DeckData:
        """The deck of one file.

        Raises:
            AudioError: the file cannot be used; the message names it.
        """
        sequence = encode_file(path, self._manifest, self._window, progress)
        return DeckData(name=Path(path).stem, **vars(sequence))

    def _window(self, samples: Samples) -> tuple[Floats, Floats]:
        style, structure = self._session.run(["style", "structure"], {"audio": samples[None]})
        return style[0], structure[0]
