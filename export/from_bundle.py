"""A bundle of the present format from the weights that an older one holds.

Only the decoder's graph is made anew. Encoder, prior, style space, knobs, figures and the latents
of the decks stay as they are, so the new bundle sounds like the old one. Recordings of the decks
are added where they can be found.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from export.audio.model_input import AudioError
from export.audio.sequence import read_sound
from export.bundle.archive import read_bundle
from export.bundle.format import FORMAT_VERSION, Bundle, BundleDeck, Manifest
from export.bundle_weights import instrument_of
from export.card import Card
from export.graphs.encoder_decoder import decoder_graph, state_specs
from export.graphs.parity import measure_parity
from export.graphs.rounding import store_half
from export.library_decks import kept_recording
from model.instrument import Instrument

LARGEST_DIFFERENCE_S = 0.01
"""A recording that differs more from the length of its deck is another one."""


def renewed_bundle(path: Path, card: Card | None, media: Path) -> tuple[Bundle, tuple[str, ...]]:
    """Read the bundle in a file; return it in the present format.

    Recordings of its decks are searched for in ``media``, by the files that the card names. The
    second result says, a line for each deck, why it comes without one.

    Raises:
        BundleError: no bundle there, or a damaged one.
        CheckpointError: its weights do not fit the presets of this version.
        ParityError: the new graph differs from the model.
    """
    old = read_bundle(path)
    model = instrument_of(path, old)
    decoder_onnx = store_half(decoder_graph(model))
    parity = measure_parity(model, old.encoder_onnx, decoder_onnx)
    parity.check()
    manifest = replace(
        _with_spectra(old.manifest, model),
        parity={**_of_the_prior(old.manifest), **parity.to_dict()},
    )
    files = {deck.slug: media / deck.file for deck in card.decks} if card else {}
    decks, missing = {}, []
    for slug, deck in old.decks.items():
        try:
            decks[slug] = deck if deck.recording else _recorded(deck, files.get(slug), manifest)
        except AudioError as error:
            decks[slug] = deck
            missing.append(f"deck '{slug}' comes without its recording: {error}")
    bundle = replace(old, manifest=manifest, decoder_onnx=decoder_onnx, decks=decks)
    return bundle, tuple(missing)


def _with_spectra(manifest: Manifest, model: Instrument) -> Manifest:
    """The manifest of the same model with a decoder that gives spectra."""
    return replace(
        manifest,
        format=FORMAT_VERSION,
        window_samples=model.config.vocoder.window_samples,
        states=state_specs(model),
        members={},
    )


def _of_the_prior(manifest: Manifest) -> dict[str, float]:
    return {name: value for name, value in manifest.parity.items() if name == "prior"}


def _recorded(deck: BundleDeck, file: Path | None, manifest: Manifest) -> BundleDeck:
    """The deck with its recording.

    Raises:
        AudioError: no usable recording, or one of another length.
    """
    if file is None:
        raise AudioError("missing", "no card names its file; give --card and --media")
    sound = read_sound(file, manifest)
    seconds = sound.samples.size / manifest.sample_rate_hz
    if abs(seconds - deck.seconds) > LARGEST_DIFFERENCE_S:
        raise AudioError("corrupt", f"{file}: lasts {seconds:.2f} s, the deck {deck.seconds:.2f} s")
    return replace(deck, recording=kept_recording(deck.slug, sound, manifest))
