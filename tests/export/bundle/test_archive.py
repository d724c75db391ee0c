"""A bundle survives a round trip, and every bad bundle is refused in one line."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from export.bundle import archive as archive_module
from export.bundle.archive import read_bundle, write_bundle
from export.bundle.beats import Beats
from export.bundle.format import Bundle, BundleError, Manifest
from tests import mini_bundle

Members = dict[str, bytes]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    written = tmp_path / "mini.bundle"
    write_bundle(written, mini_bundle.bundle())
    return written


def members_of(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path: Path, members: Members, resign: bool = True) -> None:
    """Write ``members`` unchanged; with ``resign``, with correct checksums."""
    if resign and "manifest.json" in members:
        manifest = json.loads(members["manifest.json"])
        manifest["members"] = {
            name: hashlib.sha256(data).hexdigest()
            for name, data in members.items()
            if name != "manifest.json"
        }
        members = {**members, "manifest.json": json.dumps(manifest).encode()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def refused(path: Path, *words: str) -> str:
    """Assert that reading fails with one line that names the file and contains ``words``."""
    with pytest.raises(BundleError) as caught:
        read_bundle(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    for word in words:
        assert word in message
    return message


def test_a_bundle_survives_writing_and_reading(path: Path) -> None:
    wanted, found = mini_bundle.bundle(), read_bundle(path)
    assert replace(found.manifest, members={}) == wanted.manifest
    assert found.encoder_onnx == wanted.encoder_onnx
    assert found.decoder_onnx == wanted.decoder_onnx
    assert found.dimensions == wanted.dimensions
    for name, value in vars(wanted.latents).items():
        np.testing.assert_array_equal(getattr(found.latents, name), value)
    assert list(found.decks) == list(wanted.decks)
    for slug, deck in wanted.decks.items():
        for name, value in vars(deck).items():
            np.testing.assert_array_equal(getattr(found.decks[slug], name), value)


def test_the_same_bundle_gives_the_same_bytes(path: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.bundle"
    write_bundle(again, read_bundle(path))
    assert again.read_bytes() == path.read_bytes()


def test_a_failed_write_leaves_the_old_file_and_nothing_else(path: Path) -> None:
    before = path.read_bytes()
    bad = replace(mini_bundle.bundle(), dimensions=())
    with pytest.raises(BundleError, match="dimensions"):
        write_bundle(path, bad)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_writing_into_a_missing_folder_fails(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="cannot write there"):
        write_bundle(tmp_path / "no" / "x.bundle", mini_bundle.bundle())


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "no.bundle", "cannot be read")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty.bundle"
    empty.touch()
    refused(empty, "cut short")


@pytest.mark.parametrize("share", [0.01, 0.3, 0.7, 0.99])
def test_a_truncated_bundle_is_refused(path: Path, share: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    refused(path, "cut short")


@pytest.mark.parametrize("share", [0.02, 0.2, 0.4, 0.6, 0.8, 0.95])
def test_a_flipped_byte_is_refused(path: Path, share: float) -> None:
    data = bytearray(path.read_bytes())
    data[int(len(data) * share)] ^= 0xFF
    path.write_bytes(data)
    refused(path)


@pytest.mark.parametrize(
    "name", ["decoder.onnx", "latents.npz", "dimensions.json", "decks/low.npz"]
)
def test_a_wrong_checksum_is_refused(path: Path, name: str) -> None:
    members = members_of(path)
    rewrite(path, {**members, name: members[name] + b" "}, resign=False)
    refused(path, "checksum", name)


@pytest.mark.parametrize("version", [0, 3, "1", None])
def test_an_unknown_version_is_refused(path: Path, version: Any) -> None:
    change_manifest(path, format=version)
    refused(path, "format version", "reads 1 and 2")


@pytest.mark.parametrize(
    "name",
    [
        "evil.py",
        "../evil",
        "decks/../../evil.npz",
        "/etc/passwd",
        "decks/",
        "decks/UP.npz",
        "decks/UP.ogg",
        "decks/low.wav",
        "low.ogg",
        "decks/a/b.npz",
    ],
)
def test_an_unexpected_member_is_refused(path: Path, name: str) -> None:
    rewrite(path, {**members_of(path), name: b"x"})
    refused(path, "unexpected member", name)


@pytest.mark.parametrize(
    "name", ["manifest.json", "encoder.onnx", "latents.npz", "decks/index.json"]
)
def test_a_missing_member_is_refused(path: Path, name: str) -> None:
    members = members_of(path)
    del members[name]
    rewrite(path, members)
    refused(path, name, "missing")


def test_a_deck_the_index_does_not_list_is_refused(path: Path) -> None:
    members = members_of(path)
    rewrite(path, {**members, "decks/more.npz": members["decks/low.npz"]})
    refused(path, "decks/index.json")


def test_a_duplicate_member_is_refused(path: Path) -> None:
    with (
        pytest.warns(UserWarning, match="Duplicate"),
        zipfile.ZipFile(path, "a") as archive,
    ):
        archive.writestr("dimensions.json", b"[]")
    refused(path, "twice")


def test_a_huge_member_is_refused_before_it_is_unpacked(path: Path) -> None:
    rewrite(path, {**members_of(path), "dimensions.json": bytes(3_000_000)})
    refused(path, "dimensions.json", "3000000 bytes")


def test_a_huge_array_is_refused_before_it_is_allocated(path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (10**12,)}
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mean.npy", header.getvalue())
    rewrite(path, {**members_of(path), "latents.npz": file.getvalue()})
    refused(path, "latents.npz", "mean")


def test_too_many_members_are_refused(path: Path) -> None:
    members = members_of(path)
    rewrite(path, {**members, **{f"decks/d{n}.npz": b"" for n in range(300)}})
    refused(path, "members")


def latents(**changes: Any) -> bytes:
    good: dict[str, Any] = vars(mini_bundle.bundle().latents)
    return npz(**{**good, **changes})


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (latents(mean=np.zeros(5, np.float32)), ("mean", "(5,)", "(4,)")),
        (latents(rotation=np.eye(3, dtype=np.float32)), ("rotation", "(3, 3)")),
        (latents(spread=np.ones((4, 1), np.float32)), ("spread",)),
        (latents(mean=np.zeros(4)), ("float64",)),
        (latents(mean=np.array([0, np.nan, 0, 0], np.float32)), ("mean", "NaN")),
        (latents(spread=np.array([1, np.inf, 0, 0], np.float32)), ("spread", "infinity")),
        (latents(spread=np.array([1, -1, 0, 0], np.float32)), ("negative",)),
        (latents(rotation=np.zeros((4, 4), np.float32)), ("orthonormal",)),
        (npz(mean=np.zeros(4, np.float32)), ("rotation", "missing")),
        (npz(mean=np.array([{}] * 4, dtype=object)), ("mean",)),
        (b"PK", ("no readable arrays",)),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_wrong_arrays_are_refused(path: Path, data: bytes, words: tuple[str, ...]) -> None:
    rewrite(path, {**members_of(path), "latents.npz": data})
    refused(path, "latents.npz", *words)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"structure": np.ones((5, 9), np.float16)}, "structure"),
        ({"structure": np.ones((6, 0), np.float16)}, "structure"),
        ({"structure": np.full((6, 9), np.nan, np.float16)}, "NaN"),
        ({"structure": np.ones((6, 9), np.float32)}, "float32"),
        ({"style_mean": np.ones(3, np.float32)}, "style_mean"),
        ({"style_track": np.ones((3, 4), np.float32)}, "3 windows"),
        ({"style_ticks": np.array([9, 9], np.float32)}, "ascend"),
    ],
)
def test_wrong_deck_arrays_are_refused(path: Path, change: dict[str, Any], word: str) -> None:
    deck = mini_bundle.bundle().decks["low"]
    names = ("style_mean", "style_track", "style_ticks", "structure")
    arrays = {name: getattr(deck, name) for name in names}
    rewrite(path, {**members_of(path), "decks/low.npz": npz(**{**arrays, **change})})
    refused(path, "decks/low.npz", word)


def change_decks(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    members = members_of(path)
    entries = json.loads(members["decks/index.json"])
    for entry in entries:
        change(entry)
    rewrite(path, {**members, "decks/index.json": json.dumps(entries).encode()})


def test_the_beats_of_a_deck_are_read_back(tmp_path: Path) -> None:
    beats = {"tempo_bpm": 96.5, "first_beat_s": 0.25, "tempo_confidence": 0.9}
    low = replace(mini_bundle.bundle().decks["low"], **beats)
    write_bundle(tmp_path / "beats.bundle", mini_bundle.bundle(decks={"low": low}))
    assert read_bundle(tmp_path / "beats.bundle").decks["low"].beats == Beats(96.5, 0.25, 0.9)


def test_an_older_bundle_without_beats_still_loads(path: Path) -> None:
    for known_bpm in (None, 96.5):

        def as_before(entry: dict[str, Any], bpm: float | None = known_bpm) -> None:
            entry.pop("first_beat_s", None)
            entry.pop("tempo_confidence", None)
            entry["tempo_bpm"] = bpm

        change_decks(path, as_before)
        deck = read_bundle(path).decks["low"]
        assert deck.beats is None and deck.tempo_bpm == known_bpm


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tempo_bpm": 0}, "'tempo_bpm' is 0, allowed is 20 to 999"),
        ({"tempo_bpm": -120}, "tempo_bpm"),
        ({"tempo_bpm": "fast"}, "tempo_bpm"),
        ({"tempo_bpm": True}, "tempo_bpm"),
        ({"first_beat_s": -1}, "first_beat_s"),
        ({"first_beat_s": 1e9}, "first_beat_s"),
        ({"tempo_confidence": 2}, "tempo_confidence"),
        ({"tempo_confidence": []}, "tempo_confidence"),
    ],
)
def test_invalid_beats_are_refused(path: Path, change: dict[str, Any], words: str) -> None:
    change_decks(path, lambda entry: entry.update(change))
    refused(path, "decks/index.json", words)


OGG = b"OggS and a recording"


def with_recording(**changes: Any) -> Bundle:
    """The mini bundle whose deck ``low`` has a recording."""
    decks = mini_bundle.bundle().decks
    low = replace(decks["low"], recording=OGG, **changes)
    return mini_bundle.bundle(decks={**decks, "low": low})


def test_recordings_survive_writing_and_reading(tmp_path: Path) -> None:
    path = tmp_path / "mini.bundle"
    write_bundle(path, with_recording(mid=(1.0, 0.0)))
    assert set(members_of(path)) >= {"decks/low.ogg", "decks/low.npz", "decks/high.npz"}
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo("decks/low.ogg").compress_type == zipfile.ZIP_STORED
    low, high = (read_bundle(path).decks[slug] for slug in ("low", "high"))
    assert (low.recording, high.recording) == (OGG, b"")
    assert (low.mid, high.mid) == ((1.0, 0.0), (0.5, 0.5))
    again = tmp_path / "again.bundle"
    write_bundle(again, read_bundle(path))
    assert again.read_bytes() == path.read_bytes()


def test_a_recording_that_is_not_ogg_is_refused_when_read_and_when_written(path: Path) -> None:
    rewrite(path, {**members_of(path), "decks/low.ogg": b"RIFF"})
    refused(path, "decks/low.ogg", "begins with b'RIFF'", "Ogg Vorbis")
    deck = replace(mini_bundle.bundle().decks["low"], recording=b"RIFF")
    with pytest.raises(BundleError, match=r"decks/low\.ogg: begins with"):
        write_bundle(path, mini_bundle.bundle(decks={"low": deck}))


def test_a_recording_of_no_deck_is_refused(path: Path) -> None:
    rewrite(path, {**members_of(path), "decks/more.ogg": OGG})
    refused(path, "decks/index.json", "differ")


def test_a_damaged_recording_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mini.bundle"
    write_bundle(path, with_recording())
    rewrite(path, {**members_of(path), "decks/low.ogg": OGG + b"!"}, resign=False)
    refused(path, "checksum", "decks/low.ogg")


def test_a_huge_recording_is_refused_before_it_is_unpacked(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewrite(path, {**members_of(path), "decks/low.ogg": OGG + bytes(3_000_000)})
    monkeypatch.setitem(archive_module._LIMITS_BY_SUFFIX, ".ogg", 2_000_000)
    refused(path, "decks/low.ogg", "most is 2000000")


@pytest.mark.parametrize("mid", [0.5, [0.5], [0.5, 0.5, 0.5], [2, 0], [-0.1, 0], ["l", "r"], None])
def test_invalid_shares_of_the_channels_are_refused(path: Path, mid: Any) -> None:
    change_decks(path, lambda entry: entry.update(mid=mid))
    refused(path, "decks/index.json", "'mid' is")


def test_a_deck_of_an_older_bundle_is_the_mean_of_its_channels(path: Path) -> None:
    change_decks(path, lambda entry: entry.pop("mid"))
    assert read_bundle(path).decks["low"].mid == (0.5, 0.5)


def change_manifest(path: Path, **changes: Any) -> None:
    members = members_of(path)
    manifest = {**json.loads(members["manifest.json"]), **changes}
    members["manifest.json"] = json.dumps(manifest).encode()
    rewrite(path, members)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sample_rate_hz": "fast"}, ("sample_rate_hz", "fast")),
        ({"sample_rate_hz": 1}, ("sample_rate_hz", "4000")),
        ({"sample_rate_hz": True}, ("sample_rate_hz",)),
        ({"hop_samples": 65}, ("clip_samples",)),
        ({"format": True}, ("format", "True")),
        ({"format": 1.0}, ("format", "1.0")),
        ({"input_samples": 7}, ("input_samples",)),
        ({"structure_bands": 4}, ("structure_dims",)),
        ({"style_dims": 5}, ("latents.npz",)),
        ({"states": [{"name": "h", "shape": [-1]}]}, ("state",)),
        ({"states": [{"name": "h", "shape": [2**40]}]}, ("state",)),
        ({"states": [{"name": "h", "shape": [1]}] * 2}, ("one name",)),
        ({"states": 3}, ("states",)),
        ({"loudness_lufs": float("nan")}, ("NaN",)),
        ({"attribution": "me"}, ("attribution",)),
        ({"licence": None}, ("licence",)),
    ],
)
def test_a_wrong_manifest_is_refused(
    path: Path, change: dict[str, Any], words: tuple[str, ...]
) -> None:
    change_manifest(path, **change)
    refused(path, *words)


SPECTRA = {"format": 2, "spectrum_bins": 65, "window_samples": 128}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"window_samples": 0}, "window_samples is 0, not 2 x (spectrum_bins - 1) = 128"),
        ({"window_samples": 130}, "not 2 x (spectrum_bins - 1) = 128"),
        ({"spectra_per_frame": 3}, "hop_samples is 64, not a multiple of spectra_per_frame = 3"),
        ({"spectrum_bins": 66, "window_samples": 130}, "multiple of the spectra's hop of 32"),
        ({"channels": 2}, "channels is 2; spectra are of one channel"),
    ],
)
def test_spectra_that_cannot_become_sound_are_refused(
    path: Path, change: dict[str, Any], words: str
) -> None:
    change_manifest(path, **SPECTRA)
    manifest = read_bundle(path).manifest
    assert manifest.gives_spectra and manifest.spectrum_hop_samples == 32
    change_manifest(path, **change)
    refused(path, words)


def test_a_bundle_of_format_1_has_no_window(path: Path) -> None:
    members = members_of(path)
    manifest = json.loads(members["manifest.json"])
    del manifest["window_samples"]
    rewrite(path, {**members, "manifest.json": json.dumps(manifest).encode()})
    found = read_bundle(path).manifest
    assert not found.gives_spectra and found.window_samples == 0


@pytest.mark.parametrize("key", [key for key in Manifest.__dataclass_fields__ if key != "format"])
def test_a_missing_key_is_refused(path: Path, key: str) -> None:
    change_manifest(path, **SPECTRA)
    members = members_of(path)
    manifest = json.loads(members["manifest.json"])
    del manifest[key]
    rewrite(path, {**members, "manifest.json": json.dumps(manifest).encode()}, resign=False)
    refused(path, key)


def test_an_unknown_key_in_the_manifest_is_ignored(path: Path) -> None:
    change_manifest(path, colour="blue")
    assert read_bundle(path).manifest.name == "mini"


@pytest.mark.parametrize("data", [b"", b"\xff", b"[1", b"[" * 100_000, b"3", b'{"a": 1}'])
@pytest.mark.parametrize("name", ["manifest.json", "dimensions.json", "decks/index.json"])
def test_wrong_json_is_refused(path: Path, name: str, data: bytes) -> None:
    rewrite(path, {**members_of(path), name: data}, resign=name != "manifest.json")
    refused(path, name)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["Bright"], "is called 'Bright'"),
        (["a/b"], "is called 'a/b'"),
        (["{}"], "is called '{}'"),
        ([""], "is called ''"),
        (["pitch", "pitch"], "one name"),
    ],
)
def test_a_dimension_name_that_cannot_be_an_address_is_refused(
    path: Path, names: list[str], words: str
) -> None:
    entries = json.loads(members_of(path)["dimensions.json"])
    for entry, name in zip(entries, names, strict=False):
        entry["name"] = name
    rewrite(path, {**members_of(path), "dimensions.json": json.dumps(entries).encode()})
    refused(path, "dimensions.json", words)


def external(change: Callable[[Any], None]) -> bytes:
    model = onnx.load_model_from_string(mini_bundle.decoder_onnx())
    change(model.graph)
    return bytes(model.SerializeToString())


def point_outside(tensor: Any) -> None:
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    tensor.ClearField("raw_data")


def hide_in_a_node(graph: Any) -> None:
    tensor = helper.make_tensor("hidden", TensorProto.FLOAT, [1], [0.0])
    point_outside(tensor)
    graph.node.append(helper.make_node("Constant", [], ["hidden"], value=tensor))


def hide_in_a_branch(graph: Any) -> None:
    inner = helper.make_graph([], "inner", [], [])
    hide_in_a_node(inner)
    graph.node.append(
        helper.make_node("If", ["phase"], ["x"], then_branch=inner, else_branch=inner)
    )


@pytest.mark.parametrize(
    "change", [lambda graph: point_outside(graph.initializer[0]), hide_in_a_node, hide_in_a_branch]
)
def test_external_data_is_refused(path: Path, change: Callable[[Any], None]) -> None:
    rewrite(path, {**members_of(path), "decoder.onnx": external(change)})
    refused(path, "decoder.onnx", "external data")


@pytest.mark.parametrize("data", [b"", b"hello world", bytes(100), b"\xff" * 50, b"\x3a\x7f"])
def test_a_member_that_is_not_onnx_is_refused(path: Path, data: bytes) -> None:
    rewrite(path, {**members_of(path), "encoder.onnx": data})
    refused(path, "encoder.onnx", "ONNX")
