"""Prepares a bundle for playing: opens, checks and warms it up before it is heard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from export.bundle.format import Bundle, BundleError, Manifest
from server.controls.control import ControlTable
from server.controls.desk import Segment, Snapshot
from server.controls.table import controls_of
from server.decks.media import MediaError, file_below
from server.engine.cue import Cue
from server.engine.deck import DeckData
from server.engine.engine import Engine
from server.engine.runtime import RuntimeOptions
from server.engine.session import DecoderSession, OrtDecoderSession, warm_up
from server.engine.spectra import DecodedSpectra
from server.engine.structure_prior import open_prior
from server.engine.transposition import transposed_sizes
from server.models.default import open_bundle
from server.models.switch import Model, SegmentFeed

BUILT_IN = "default"
SUFFIX = ".bundle"
CHECKED_STEPS = 4
LOUDEST = 10_000.0
"""The loudest sample or magnitude of a working decoder: a full-scale sine has a magnitude of 512
with a window of 2048 samples."""

OnDeck = Callable[[str, DeckData], None]
OpenCue = Callable[..., Cue]
"""Opens the cue of a bundle beside its ``main`` engine."""


def prepare_model(
    bundle: Bundle,
    options: RuntimeOptions,
    frames: int,
    on_deck: OnDeck = lambda name, deck: None,
    name: str = "",
    table: ControlTable | None = None,
    cue_for: OpenCue | None = None,
) -> Model:
    """Prepare all that playing ``bundle`` in blocks of ``frames`` needs, except decks.

    ``table`` are its controls, if there is a desk for them already; ``cue_for`` opens its cue.

    Raises:
        BundleError: it does not decode to sound.
        RuntimeUnavailable: a graph does not load, or the device cannot be used.
    """
    table = table or controls_of(bundle)
    session = OrtDecoderSession(bundle, options, frames)
    warm_up(session, bundle.manifest, frames)
    session.prepare(transposed_sizes(frames))
    _check_sound(session, bundle, frames)
    feed = SegmentFeed(Snapshot(table, table.defaults, table.smoothing_s))
    prior = open_prior(bundle)
    engine = Engine(bundle.manifest, bundle.latents, session, feed, prior=prior, on_deck=on_deck)
    cue = cue_for(bundle, main=engine) if cue_for else None
    return Model(name, bundle, table, session, engine, feed, cue)


def bundle_below(name: str, media: Path) -> Bundle:
    """Open the bundle that ``/model/load`` names: below the media folder, or the built-in one.

    Raises:
        MediaError: there is none; a file outside the folder is treated as missing.
        BundleError: it cannot be used.
    """
    for file in (name, name + SUFFIX):
        path = file_below(file, media)
        if path is not None:
            return open_bundle(path)
    if name == BUILT_IN:
        return open_bundle(None)
    raise MediaError(
        f"{name[:80]!r} is not a bundle in the media folder (--media), nor '{BUILT_IN}', "
        "the built-in one"
    )


def require_same_clock(bundle: Bundle, playing: Manifest) -> None:
    """Refuse a bundle of another sample rate, hop or number of channels: a session has one of each.

    Raises:
        BundleError: ``bundle`` differs from the one that is ``playing``.
    """
    manifest = bundle.manifest
    actual, expected = (
        (other.sample_rate_hz, other.hop_samples, other.channels) for other in (manifest, playing)
    )
    if actual != expected:
        raise BundleError(
            f"bundle '{manifest.name}' has {actual[0]} Hz, frames of {actual[1]} samples and "
            f"{actual[2]} channels; the one that plays has {expected[0]} Hz, {expected[1]} and "
            f"{expected[2]}; start the server with it (--bundle)"
        )


def try_out(model: Model, decks: Mapping[str, DeckData], frames: int) -> Model:
    """Render a few blocks of ``decks`` with ``model``, then reset it; return it.

    Raises:
        BundleError: it fails.
    """
    state = Snapshot(model.table, model.table.defaults, model.table.smoothing_s, playing=True)
    feed, manifest = SegmentFeed(state), model.bundle.manifest
    engine = Engine(manifest, model.bundle.latents, model.session, feed)
    feed.give((Segment(state, frames),))
    try:
        for name, deck in decks.items():
            engine.put_deck(name, deck)
        for _ in range(CHECKED_STEPS):
            engine.render(frames)
        if engine.failed_blocks:
            raise ValueError("the decoder fails")
    except Exception as error:  # graphs that do not match fail in many ways
        raise BundleError(
            f"bundle '{manifest.name}' cannot play the loaded decks ({error}); export it again"
        ) from error
    model.session.reset()
    return model


def _check_sound(session: DecoderSession, bundle: Bundle, frames: int) -> None:
    """Check that a few blocks of a deck, or of the mean, decode to sound; resets the stream."""
    manifest = bundle.manifest
    deck = next(iter(bundle.decks.values()), None)
    mean = bundle.latents.mean if deck is None else deck.style_mean
    structure = np.zeros((manifest.structure_dims, frames), np.float32)
    if deck is not None:
        columns = np.arange(frames) % deck.structure.shape[1]
        structure = deck.structure[:, columns].astype(np.float32)
    style = np.repeat(mean[:, None], frames, axis=1).astype(np.float32)
    noise = np.zeros((manifest.spectrum_bins, frames * manifest.spectra_per_frame), np.float32)
    for _ in range(CHECKED_STEPS):
        decoded = session.step(style, structure, noise)
        sizes = np.exp(decoded.log_magnitude) if isinstance(decoded, DecodedSpectra) else decoded
        if not (np.isfinite(sizes).all() and np.abs(sizes).max() < LOUDEST):
            raise BundleError(f"bundle '{manifest.name}' does not decode to sound; export it again")
    session.reset()
