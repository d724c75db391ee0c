"""The graphs of a bundle that encoding needs."""

from __future__ import annotations

from dataclasses import dataclass

from export.bundle.format import Bundle, Manifest


@dataclass(frozen=True)
class EncodingGraphs:
    """The encoder; in format 2 also the decoder, which gives the reference."""

    manifest: Manifest
    encoder_onnx: bytes
    decoder_onnx: bytes = b""


def graphs_of(bundle: Bundle) -> EncodingGraphs:
    """Return the graphs of ``bundle`` that encoding needs."""
    decoder = bundle.decoder_onnx if bundle.manifest.gives_spectra else b""
    return EncodingGraphs(bundle.manifest, bundle.encoder_onnx, decoder)
