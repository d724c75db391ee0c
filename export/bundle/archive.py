"""The bundle: one zip file, the only bridge between training and playing.

    manifest.json    what it is, every number, and the sha256 of each other member
    encoder.onnx     audio (1, input_samples) -> style (1, D), structure (1, S, clip_ticks) and, for
                     training that starts from the bundle, style_log_variance (1, D)
    decoder.onnx     style (1, D, N), structure (1, S, N) and states -> log_magnitude, advance and
                     spread of N*r spectra, each (1, F, N*r), and states. In format 1 it also
                     reads noise (1, F, N*r) and gives audio (1, C, N*hop) instead
    prior.onnx       optional: structure (1, S, K), style (1, D), temperature (1, 1),
                     normal (1, S), uniform (1, 1) and states -> the next tick (1, S) and states
    latents.npz      mean, rotation and spread of the style space
    dimensions.json  a name, effect and range for each style dimension
    decks/           index.json, one .npz for each library deck, and optionally its recording
                     as .ogg (``export.audio.recordings``)

Reading trusts nothing: known member names only, sizes checked before contents, checksums, no
pickle, no external data, nothing unpacked to disk. Writing is atomic, and the same bundle gives the
same bytes.
"""

from __future__ import annotations

import hashlib
import os
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

from export.bundle import parts
from export.bundle.atomic_write import atomic_write
from export.bundle.format import (
    DECK_INDEX,
    DECK_PATTERN,
    DECODER,
    DIMENSIONS,
    ENCODER,
    FIXED_MEMBERS,
    LATENTS,
    MANIFEST,
    MAX_ARRAYS_BYTES,
    MAX_JSON_BYTES,
    MAX_MEMBERS,
    MAX_MODEL_BYTES,
    MAX_RECORDING_BYTES,
    MAX_TOTAL_BYTES,
    OPTIONAL_MEMBERS,
    PRIOR,
    RECORDING_PATTERN,
    Bundle,
    BundleDeck,
    BundleError,
    Manifest,
)
from export.bundle.onnx_guard import refuse_external_data

_LIMITS_BY_SUFFIX = {
    ".json": MAX_JSON_BYTES,
    ".onnx": MAX_MODEL_BYTES,
    ".npz": MAX_ARRAYS_BYTES,
    ".ogg": MAX_RECORDING_BYTES,
}
_PACKED = (".ogg",)
"""Endings of members that are stored as they are: compressing them again gains nothing."""
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_EPOCH = (1980, 1, 1, 0, 0, 0)


def read_bundle(path: str | os.PathLike[str]) -> Bundle:
    """Read a whole bundle into memory and check it.

    Raises:
        BundleError: missing, cut short, of another version, tampered with, or inconsistent.
    """
    path = Path(path)
    try:
        members = _read_members(path)
        with _naming(MANIFEST):
            manifest = parts.parse_manifest(members[MANIFEST])
        _check_digests(manifest, members)
        return _assemble(manifest, members)
    except BundleError as error:
        raise BundleError(f"bundle '{path}': {error}") from error


def write_bundle(path: str | os.PathLike[str], bundle: Bundle) -> None:
    """Write a bundle atomically: the file at ``path`` is the old one or the whole new one.

    Fills in the checksums of the manifest. A bundle that could not be read back is refused.

    Raises:
        BundleError: the parts do not fit together, or the file cannot be written.
    """
    path = Path(path)
    members = _dump(bundle)
    _assemble(parts.parse_manifest(members[MANIFEST]), members)
    try:
        with atomic_write(path, mode=0o644) as file:
            _write_zip(file, members)
    except OSError as error:
        raise BundleError(f"bundle '{path}': cannot write there ({error.strerror})") from error


def _read_members(path: Path) -> dict[str, bytes]:
    """Read all members; names and sizes are checked before the first is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            _check_directory(infos)
            return {info.filename: _read_member(archive, info) for info in infos}
    except OSError as error:
        raise BundleError(f"cannot be read ({error.strerror or error})") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise BundleError(
            f"no complete bundle ({error}); it may be cut short, fetch or export it again"
        ) from error


def _check_directory(infos: list[zipfile.ZipInfo]) -> None:
    names = [info.filename for info in infos]
    if len(names) > MAX_MEMBERS:
        raise BundleError(f"{len(names)} members, at most {MAX_MEMBERS} are allowed")
    for info in infos:
        _check_member(info)
    for name in names:
        if names.count(name) > 1:
            raise BundleError(f"member {name!r} appears twice")
    total = sum(info.file_size for info in infos)
    if total > MAX_TOTAL_BYTES:
        raise BundleError(f"{total} bytes unpacked, at most {MAX_TOTAL_BYTES} are allowed")
    for name in FIXED_MEMBERS:
        if name not in names:
            raise BundleError(f"member {name!r} is missing")


def _check_member(info: zipfile.ZipInfo) -> None:
    name = info.orig_filename
    known = (*FIXED_MEMBERS, *OPTIONAL_MEMBERS)
    if name not in known and not re.fullmatch(f"{DECK_PATTERN}|{RECORDING_PATTERN}", name):
        raise BundleError(
            f"unexpected member {name!r}; allowed are {', '.join(known)}, decks/NAME.npz and "
            "decks/NAME.ogg"
        )
    if info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS:
        raise BundleError(f"member {name!r} is encrypted or packed in an unknown way")
    limit = _LIMITS_BY_SUFFIX[Path(name).suffix]
    if info.file_size > limit:
        raise BundleError(f"member {name!r} has {info.file_size} bytes, most is {limit}")


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with archive.open(info) as stream:
        data = stream.read(info.file_size + 1)
    if len(data) != info.file_size:
        raise BundleError(f"member {info.filename!r} is not of the size it states")
    return data


def _check_digests(manifest: Manifest, members: dict[str, bytes]) -> None:
    listed, present = set(manifest.members), set(members) - {MANIFEST}
    if listed != present:
        raise BundleError(
            f"checksums and members differ: {', '.join(sorted(listed ^ present))}; export it again"
        )
    for name, digest in manifest.members.items():
        if hashlib.sha256(members[name]).hexdigest() != digest:
            raise BundleError(f"checksum of {name!r} is wrong; fetch or export it again")


def _assemble(manifest: Manifest, members: dict[str, bytes]) -> Bundle:
    """Parse every member against the manifest."""
    for name in (ENCODER, DECODER, PRIOR):
        if name in members:
            with _naming(name):
                refuse_external_data(members[name])
    with _naming(LATENTS):
        latents = parts.parse_latents(members[LATENTS], manifest)
    with _naming(DIMENSIONS):
        dimensions = parts.parse_dimensions(members[DIMENSIONS], manifest.style_dims)
    return Bundle(
        manifest=manifest,
        encoder_onnx=members[ENCODER],
        decoder_onnx=members[DECODER],
        latents=latents,
        dimensions=dimensions,
        decks=_assemble_decks(manifest, members),
        prior_onnx=members.get(PRIOR),
    )


def _assemble_decks(manifest: Manifest, members: dict[str, bytes]) -> dict[str, BundleDeck]:
    with _naming(DECK_INDEX):
        index = parts.parse_deck_index(members[DECK_INDEX])
        names = [_deck_member(entry["slug"]) for entry in index]
        optional = {*OPTIONAL_MEMBERS, *(_recording_member(entry["slug"]) for entry in index)}
        if sorted([*FIXED_MEMBERS, *names]) != sorted(set(members) - optional):
            raise BundleError("the index and the decks in the bundle differ")
    decks = {}
    for name, entry in zip(names, index, strict=True):
        with _naming(name):
            deck = parts.parse_deck(members[name], entry, manifest)
        decks[deck.slug] = replace(deck, recording=_recording(members, deck.slug))
    return decks


def _recording(members: dict[str, bytes], slug: str) -> bytes:
    name = _recording_member(slug)
    with _naming(name):
        return parts.check_recording(members[name]) if name in members else b""


def _deck_member(slug: str) -> str:
    return f"decks/{slug}.npz"


def _recording_member(slug: str) -> str:
    return f"decks/{slug}.ogg"


@contextmanager
def _naming(member: str) -> Iterator[None]:
    """Put the member's name in front of an error."""
    try:
        yield
    except BundleError as error:
        raise BundleError(f"{member}: {error}") from error


def _dump(bundle: Bundle) -> dict[str, bytes]:
    """All members as bytes, the manifest with their checksums first."""
    for slug, deck in bundle.decks.items():
        if slug != deck.slug or not re.fullmatch(DECK_PATTERN, _deck_member(slug)):
            raise BundleError(f"deck {slug!r} has no usable name; use a-z, 0-9, - and _")
    members = {
        ENCODER: bundle.encoder_onnx,
        DECODER: bundle.decoder_onnx,
        LATENTS: parts.dump_latents(bundle.latents),
        DIMENSIONS: parts.dump_dimensions(bundle.dimensions),
        DECK_INDEX: parts.dump_deck_index(bundle),
        **{_deck_member(slug): parts.dump_deck(deck) for slug, deck in bundle.decks.items()},
        **{_recording_member(s): d.recording for s, d in bundle.decks.items() if d.recording},
    }
    if bundle.prior_onnx is not None:
        members[PRIOR] = bundle.prior_onnx
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
    manifest = replace(bundle.manifest, members=digests)
    return {MANIFEST: parts.dump_manifest(manifest), **members}


def _write_zip(file: IO[bytes], members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, date_time=_EPOCH)
            packed = name.endswith(_PACKED)
            info.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, data)
            _check_member(archive.getinfo(name))
