"""The JSON and array members of a bundle: parsed, checked and written.

Parsers get untrusted bytes. They return a value of ``export.bundle.format``, or raise
``BundleError``, which says what came and what is allowed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from export.bundle.arrays import read_arrays, write_arrays
from export.bundle.format import (
    MAX_STATE_VALUES,
    MAX_STATES,
    SLUG_PATTERN,
    Bundle,
    BundleDeck,
    BundleError,
    Dimension,
    Manifest,
    StateSpec,
    StyleStatistics,
    require_readable,
)

ORTHONORMAL_TOLERANCE = 1e-2
_NEW_IN_2 = ("window_samples", "lowest_hz", "highest_hz")
_DECK_TEXTS = ("slug", "title", "artist", "licence", "source")
_DECK_BEATS: Mapping[str, tuple[float, float]] = {
    "tempo_bpm": (20.0, 999.0),
    "first_beat_s": (0.0, 60.0),
    "tempo_confidence": (0.0, 1.0),
}
"""Optional figures of a deck's beats, with their limits: a tempo of 0 would stop the playhead."""
_OGG_MAGIC = b"OggS"


def parse_json(data: bytes) -> Any:
    """Parse JSON without NaN or infinity.

    Raises:
        BundleError: not UTF-8 JSON.
    """

    def refuse(constant: str) -> NoReturn:
        raise BundleError(f"{constant} in JSON; only finite numbers are allowed")

    try:
        return json.loads(data.decode("utf-8"), parse_constant=refuse)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise BundleError(f"not valid JSON ({error})") from error


def dump_json(value: Any) -> bytes:
    """Write readable JSON; a number that is not finite is refused."""
    try:
        return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise BundleError(f"not writable as JSON: {error}") from error


def parse_manifest(data: bytes) -> Manifest:
    """Parse the manifest; unknown keys are ignored, so that a later minor version may add some."""
    stored = _object(parse_json(data), "manifest")
    require_readable(stored.get("format"))
    values: dict[str, Any] = {}
    for spec in fields(Manifest):
        if spec.name in _NEW_IN_2 and stored["format"] == 1:
            continue
        if spec.name not in stored:
            raise BundleError(f"manifest lacks '{spec.name}'")
        values[spec.name] = _MANIFEST_READERS[str(spec.type)](stored[spec.name], spec.name)
    return Manifest(**values)


def dump_manifest(manifest: Manifest) -> bytes:
    """Write a manifest for ``parse_manifest``."""
    return dump_json(asdict(manifest))


def parse_dimensions(data: bytes, count: int) -> tuple[Dimension, ...]:
    """Parse one entry for each of ``count`` style dimensions, in order."""
    entries = parse_json(data)
    if not isinstance(entries, list) or len(entries) != count:
        raise BundleError(f"dimensions is not a list of {count} entries")
    dimensions = tuple(_dimension(entry, index) for index, entry in enumerate(entries))
    names = [one.name for one in dimensions if one.name is not None]
    if len(set(names)) < len(names):
        raise BundleError(f"two dimensions have one name, of {', '.join(names)}")
    return dimensions


def dump_dimensions(dimensions: tuple[Dimension, ...]) -> bytes:
    """Write dimensions for ``parse_dimensions``."""
    return dump_json([asdict(dimension) for dimension in dimensions])


def parse_latents(data: bytes, manifest: Manifest) -> StyleStatistics:
    """Parse mean (D,), rotation (D,D) and spread (D,) of the style space."""
    d = manifest.style_dims
    shapes = {"mean": (d,), "rotation": (d, d), "spread": (d,)}
    arrays = read_arrays(data, shapes, np.float32)
    rotation = arrays["rotation"]
    if np.abs(rotation @ rotation.T - np.eye(d)).max() > ORTHONORMAL_TOLERANCE:
        raise BundleError("rotation is not orthonormal")
    if (arrays["spread"] < 0).any():
        raise BundleError("spread holds negative numbers")
    return StyleStatistics(**arrays)


def dump_latents(latents: StyleStatistics) -> bytes:
    """Write style statistics for ``parse_latents``."""
    return write_arrays({n: np.asarray(v, np.float32) for n, v in vars(latents).items()})


def parse_deck_index(data: bytes) -> list[dict[str, Any]]:
    """Parse the description of each library deck, without its arrays."""
    entries = parse_json(data)
    if not isinstance(entries, list):
        raise BundleError("deck index is not a list")
    return [_deck_entry(entry) for entry in entries]


def dump_deck_index(bundle: Bundle) -> bytes:
    """Write the deck index for ``parse_deck_index``."""
    names = (*_DECK_TEXTS, "seconds", "gain_db", *_DECK_BEATS, "mid")
    return dump_json([{n: getattr(d, n) for n in names} for d in bundle.decks.values()])


def parse_deck(data: bytes, entry: Mapping[str, Any], manifest: Manifest) -> BundleDeck:
    """Parse one library deck of any number of windows W and ticks K."""
    d, s = manifest.style_dims, manifest.structure_dims
    style = read_arrays(
        data, {"style_mean": (d,), "style_track": (None, d), "style_ticks": (None,)}, np.float32
    )
    structure = read_arrays(data, {"structure": (s, None)}, np.float16)["structure"]
    if len(style["style_track"]) != len(style["style_ticks"]):
        raise BundleError(
            f"{len(style['style_track'])} windows of style but {len(style['style_ticks'])} times"
        )
    if (np.diff(style["style_ticks"]) <= 0).any():
        raise BundleError("style_ticks do not ascend")
    values: dict[str, Any] = {**entry, **style, "structure": structure}
    return BundleDeck(**values)


def check_recording(data: bytes) -> bytes:
    """Return a deck's recording if it looks like Ogg; ``export.audio.recordings`` decodes it."""
    if not data.startswith(_OGG_MAGIC):
        raise BundleError(f"begins with {data[:4]!r}; a recording is Ogg Vorbis")
    return data


def dump_deck(deck: BundleDeck) -> bytes:
    """Write a deck's arrays for ``parse_deck``."""
    arrays: dict[str, NDArray[Any]] = {
        name: np.asarray(getattr(deck, name), np.float32)
        for name in ("style_mean", "style_track", "style_ticks")
    }
    return write_arrays({**arrays, "structure": np.asarray(deck.structure, np.float16)})


def _dimension(entry: Any, index: int) -> Dimension:
    stored = _object(entry, f"dimension {index}")
    if stored.get("index") != index:
        raise BundleError(f"dimension {index} says it is {stored.get('index')!r}")
    name, effect, limits = (stored.get(key) for key in ("name", "effect", "range"))
    if not isinstance(limits, list) or len(limits) != 2:
        raise BundleError(f"dimension {index} has no range of two numbers")
    low, high = (_real(limit, "range") for limit in limits)
    if low >= high:
        raise BundleError(f"dimension {index} has an empty range {low} to {high}")
    return Dimension(
        index=index,
        name=None if name is None else _slug(name),
        effect=None if effect is None else _real(effect, "effect"),
        range=(low, high),
    )


def _deck_entry(entry: Any) -> dict[str, Any]:
    stored = _object(entry, "deck")
    values: dict[str, Any] = {name: _text(stored.get(name), name) for name in _DECK_TEXTS}
    values["seconds"] = _real(stored.get("seconds"), "seconds")
    values["gain_db"] = _real(stored.get("gain_db"), "gain_db")
    for name, limits in _DECK_BEATS.items():  # older bundles lack the last two, and mid
        known = stored.get(name)
        values[name] = None if known is None else _within(_real(known, name), name, limits)
    values["mid"] = _mid(stored.get("mid", list(BundleDeck.mid)))
    return values


def _mid(value: Any) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise BundleError(f"'mid' is {value!r}, not the shares of two channels")
    left, right = (_within(_real(share, "mid"), "mid", (0.0, 1.0)) for share in value)
    return left, right


def _within(value: float, what: str, limits: tuple[float, float]) -> float:
    low, high = limits
    if not low <= value <= high:
        raise BundleError(f"'{what}' is {value:g}, allowed is {low:g} to {high:g}")
    return value


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BundleError(f"{what} is not a JSON object")
    return value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise BundleError(f"'{what}' is {value!r}, not text")
    return value


def _slug(value: Any) -> str:
    """Check a name, which becomes part of an OSC address."""
    name = _text(value, "name")
    if not re.fullmatch(SLUG_PATTERN, name):
        raise BundleError(f"a dimension is called {name!r}; use a-z, 0-9, - and _")
    return name


def _texts(value: Any, what: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise BundleError(f"'{what}' is {value!r}, not a list of texts")
    return tuple(_text(entry, what) for entry in value)


def _integer(value: Any, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise BundleError(f"'{what}' is {value!r}, not a whole number")
    return value


def _real(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e12:
        raise BundleError(f"'{what}' is {value!r}, not a number")
    return float(value)


def _boolean(value: Any, what: str) -> bool:
    if not isinstance(value, bool):
        raise BundleError(f"'{what}' is {value!r}, not true or false")
    return value


def _states(value: Any, what: str) -> tuple[StateSpec, ...]:
    if not isinstance(value, list) or len(value) > MAX_STATES:
        raise BundleError(f"'{what}' is not a list of at most {MAX_STATES} states")
    states = tuple(_state(entry) for entry in value)
    if len({state.name for state in states}) != len(states):
        raise BundleError("two states have one name")
    return states


def _state(entry: Any) -> StateSpec:
    stored = _object(entry, "state")
    shape = stored.get("shape")
    if not isinstance(shape, list):
        raise BundleError("state without a shape")
    sizes = tuple(_integer(size, "shape") for size in shape)
    # Zero is the size of an empty state, for example of a convolution with kernel 1.
    if any(size < 0 for size in sizes) or int(np.prod(sizes, dtype=object)) > MAX_STATE_VALUES:
        raise BundleError(f"state of shape {sizes}; at most {MAX_STATE_VALUES} values are allowed")
    return StateSpec(_text(stored.get("name"), "state"), sizes)


_MANIFEST_READERS: dict[str, Callable[[Any, str], Any]] = {
    "int": _integer,
    "float": _real,
    "str": _text,
    "bool": _boolean,
    "tuple[str, ...]": _texts,
    "tuple[StateSpec, ...]": _states,
    "Mapping[str, Any]": _object,
    "Mapping[str, str]": lambda value, what: {
        _text(key, what): _text(digest, what) for key, digest in _object(value, what).items()
    },
}
