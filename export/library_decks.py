"""The library decks of a bundle: recordings named in the card, encoded like any other."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from export.audio.arrays import Floats
from export.audio.beat_tracking import find_beats
from export.audio.recordings import LONGEST_S, encode_recording
from export.audio.sequence import SoundSource, encode_sound, read_sound
from export.bundle.format import BundleDeck, Manifest
from export.card import CardDeck
from model.instrument import Instrument

logger = logging.getLogger(__name__)


def make_decks(
    decks: Iterable[CardDeck], media: Path, model: Instrument, manifest: Manifest
) -> dict[str, BundleDeck]:
    """Encode each recording under ``media``; returns decks by slug.

    Raises:
        AudioError: a recording is missing or cannot be used.
    """
    encoder = model.audio_encoder().eval()

    @torch.no_grad()
    def encode(samples: Floats) -> tuple[Floats, Floats]:
        style, structure = encoder(torch.from_numpy(samples)[None])
        return style[0].numpy(), structure[0].numpy()

    encoded = {}
    for deck in tqdm(list(decks), desc="decks", unit="deck", disable=None):
        sound = read_sound(media / deck.file, manifest)
        sequence = encode_sound(sound, manifest, encode)
        beats = find_beats(sound.samples, manifest.sample_rate_hz)
        encoded[deck.slug] = BundleDeck(
            slug=deck.slug,
            title=deck.title,
            artist=deck.artist,
            licence=deck.licence,
            source=deck.source,
            tempo_bpm=beats.tempo_bpm if beats else None,
            first_beat_s=beats.first_beat_s if beats else None,
            tempo_confidence=beats.confidence if beats else None,
            seconds=sequence.seconds,
            gain_db=sequence.gain_db,
            style_mean=sequence.style_mean,
            style_track=sequence.style_track,
            style_ticks=sequence.style_ticks,
            structure=sequence.structure.astype(np.float16),
            mid=sound.mid,
            recording=kept_recording(deck.slug, sound, manifest),
        )
    return encoded


def kept_recording(slug: str, sound: SoundSource, manifest: Manifest) -> bytes:
    """A deck's recording as a bundle keeps it; empty, with a warning, if it is too long.

    Raises:
        AudioError: it cannot be encoded at the model's rate.
    """
    pcm = sound.pcm
    seconds = len(pcm) / manifest.sample_rate_hz
    if seconds > LONGEST_S:
        logger.warning(
            "deck '%s' lasts %.0f s and comes without its recording; at most %.0f s are kept",
            slug,
            seconds,
            LONGEST_S,
        )
        return b""
    return encode_recording(pcm, manifest.sample_rate_hz)
