"""Rendering to a file: the decks first, then the sound, with no port, device or clock."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from export.bundle import Bundle
from server.addresses import BYPASS, DECKS
from server.bench import block_frames
from server.deck import DeckData, library_deck
from server.deck_loader import initial_decks
from server.desk import Desk
from server.encoding import DeckEncoder
from server.engine import Engine
from server.media import MediaError
from server.output_file import FileKind, render_file
from server.prior import open_prior
from server.progress import ProgressBar
from server.runtime import RuntimeOptions
from server.session import OrtSession

BLOCK_SAMPLES = 2048
"""Not measured but fixed, so that the same call gives the same bits whatever else runs."""


def render(
    bundle: Bundle,
    desk: Desk,
    options: RuntimeOptions,
    path: Path,
    kind: FileKind,
    *,
    chosen: Mapping[str, str],
    frames: int | None = None,
    seconds: float | None = None,
) -> None:
    """Render the playing ``desk`` from position 0; by default as long as the longest deck.

    Raises:
        MediaError, AudioError: a deck that is not there or cannot be used.
        OutputError: the file cannot be written.
        RuntimeUnavailable: the model does not load, or the device cannot be used.
    """
    decks = _encoded(bundle, initial_decks(bundle.decks, chosen), options)
    if not decks:
        raise MediaError("nothing to render: name a recording with --deck-a FILE")
    frames = frames or block_frames(bundle, BLOCK_SAMPLES)
    session = OrtSession(bundle, options, frames)
    engine = Engine(bundle.manifest, bundle.latents, session, desk, prior=open_prior(bundle))
    for name, deck in decks.items():
        engine.put_deck(name, deck)
    _require_recordings(engine, desk)
    seconds = seconds or max(deck.seconds for deck in decks.values())
    render_file(engine, path, kind, seconds, frames, ProgressBar(f"rendering {path.name}"))


def _require_recordings(engine: Engine, desk: Desk) -> None:
    """What cannot be bypassed is told here, as ``/fail`` does live."""
    for deck in DECKS:
        address = f"/deck/{deck}/{BYPASS}"
        if desk.snapshot().value(address) and (why := engine.why_no_recording(deck)):
            raise MediaError(f"{address}: {why}; load an audio file with --deck-{deck} FILE")


def _encoded(
    bundle: Bundle, sources: Mapping[str, str], options: RuntimeOptions
) -> dict[str, DeckData]:
    encoder: DeckEncoder | None = None
    decks = {}
    for name, source in sources.items():
        if source in bundle.decks:
            decks[name] = library_deck(bundle.decks[source])
            continue
        encoder = encoder or DeckEncoder(bundle.manifest, bundle.encoder_onnx, options)
        decks[name] = encoder.encode(source, ProgressBar(f"encoding {Path(source).name}"))
    return decks
