"""A bundle made ready to be played: opened, checked and warmed up, before anybody hears of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from export.bundle.format import Bundle, BundleError, Manifest
from server.controls.control import ControlTable
from server.controls.desk import Segment, Snapshot
from server.controls.table import control_table
from server.decks.media import MediaError, file_below
from server.engine.cue import Cue
from server.engine.deck import DeckData
from server.engine.engine import Engine
from server.engine.runtime import RuntimeOptions
from server.engine.session import DecoderSession, OrtDecoderSession, warm_up
from server.engine.structure_prior import open_prior
from server.engine.transposition import transposed_sizes
from server.models.default import open_bundle
from server.models.switch import Model, SegmentFeed

BUILT_IN = "default"
SUFFIX = ".bundle"
CHECKED_STEPS = 4
LOUDEST = 100.0
"""Of the decoder, where 1 is full scale: more is a fault, not music."""

OnDeck = Callable[[str, DeckData], None]
OpenCue = Callable[..., Cue]
"""A bundle and its ``main`` engine to the cue beside it."""


def prepare_model(
    bundle: Bundle,
    options: RuntimeOptions,
    frames: int,
    on_deck: OnDeck = lambda name, deck: None,
    name: str = "",
    table: ControlTable | None = None,
    cue_for: OpenCue | None = None,
) -> Model:
    """Everything that playing ``bundle`` in blocks of ``frames`` needs; decks are still to come.

    ``table`` are its controls where there is a desk for them already; ``cue_for`` opens its cue.

    Raises:
        BundleError: what it decodes is no sound.
        RuntimeUnavailable: a graph does not load, or the device cannot be used.
    """
    table = table or control_table(bundle.manifest.style_dims, bundle.names)
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
    """The bundle that ``/model/load`` means: a file below the media folder, or the one built in.

    Raises:
        MediaError: there is none; what lies outside is treated as missing.
        BundleError: it cannot be used.
    """
    for file in (name, name + SUFFIX):
        path = file_below(file, media)
        if path is not None:
            return open_bundle(path)
    if name == BUILT_IN:
        return open_bundle(None)
    raise MediaError(
        f"{name[:80]!r} is no bundle in the media folder (--media), nor '{BUILT_IN}', "
        "which is built in"
    )


def require_same_clock(bundle: Bundle, playing: Manifest) -> None:
    """One session has one rate, one frame and as many channels.

    Raises:
        BundleError: ``bundle`` has others than what is ``playing``.
    """
    other = bundle.manifest
    has, wanted = ((one.sample_rate_hz, one.hop_samples, one.channels) for one in (other, playing))
    if has != wanted:
        raise BundleError(
            f"bundle '{other.name}' has {has[0]} Hz, frames of {has[1]} samples and {has[2]} "
            f"channels, and what plays {wanted[0]} Hz, {wanted[1]} and {wanted[2]}; "
            "start the server with it (--bundle)"
        )


def try_out(model: Model, decks: Mapping[str, DeckData], frames: int) -> Model:
    """``model``, which plays these ``decks`` without a fault; as if it had not played.

    Raises:
        BundleError: it does not.
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
            raise ValueError("it decodes to no sound")
    except Exception as error:  # graphs that do not fit each other fail in many ways
        raise BundleError(
            f"bundle '{manifest.name}' cannot play what lies on the decks ({error}); "
            "export it again"
        ) from error
    model.session.reset()
    return model


def _check_sound(session: DecoderSession, bundle: Bundle, frames: int) -> None:
    """A few blocks of a deck, or of the mean, decode to finite numbers; forgets the stream."""
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
        audio = session.step(style, structure, noise)
        if not (np.isfinite(audio).all() and np.abs(audio).max() < LOUDEST):
            raise BundleError(f"bundle '{manifest.name}' decodes to no sound; export it again")
    session.reset()
