"""Widens weights to a larger preset: new mel bins, bands and spectrum bins above the old ones.

The lower bins of the wider image are those of the narrow one, so the old weights stay valid there.
Above the old edge, a layer's outputs continue as at the edge, and its inputs have no effect until
training gives them one::

    outputs of a layer   [ old bins | copies of the topmost ]
    inputs of a layer    [ old bins | zeros ]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from model.config import ModelConfig

WIDENED_FROM = {"full": "small"}
"""Presets that may begin with the weights of a narrower one."""


@dataclass(frozen=True)
class AxisLayout:
    """Layout of one axis of a weight: some fixed rows, then groups of equally many rows.

    ``rows`` names the size that grows, as in ``ModelConfig``; ``fixed`` that of the fixed rows.
    """

    axis: int
    rows: str
    fixed: str | None = None


_BANDS_IN = AxisLayout(1, "bands")
_BANDS_OUT = AxisLayout(0, "bands")
_MELS_OUT = AxisLayout(0, "mel_bins")
_BINS_OUT = AxisLayout(0, "spectrum_bins")

LAYOUTS = {
    "encoder.style.lstm.weight_ih_l0": _BANDS_IN,
    "encoder.style.lstm.weight_ih_l0_reverse": _BANDS_IN,
    "decoder.lstm.lstm.weight_ih_l0": AxisLayout(1, "bands", fixed="style_dims"),
    "decoder.to_map.weight": _BANDS_OUT,
    "decoder.to_map.bias": _BANDS_OUT,
    "decoder.envelope.weight": _MELS_OUT,
    "decoder.envelope.bias": _MELS_OUT,
    "decoder.contrast.gains.weight": _MELS_OUT,
    "decoder.contrast.gains.bias": _MELS_OUT,
    "vocoder.stem.conv.weight": AxisLayout(1, "mel_bins"),
    "vocoder.head.weight": _BINS_OUT,
    "vocoder.head.bias": _BINS_OUT,
}
"""Every weight whose shape depends on a preset's number of mel bins or window."""


def widened(
    weights: Mapping[str, Tensor], narrow: ModelConfig, wide: ModelConfig
) -> dict[str, Tensor]:
    """Widen the weights of preset ``narrow`` for ``wide``; names stay."""
    grown = {
        name: _widened(value, LAYOUTS[name], narrow, wide) if name in LAYOUTS else value
        for name, value in weights.items()
    }
    return grown | _same_heights(weights, narrow, wide)


def _same_heights(
    weights: Mapping[str, Tensor], narrow: ModelConfig, wide: ModelConfig
) -> dict[str, Tensor]:
    """``decoder.widen`` with its input "height" rescaled.

    Heights run from -1 to 1 over the bands, whatever their number, so that a band's height h
    becomes h' with h + 1 = (h' + 1) (wide bands - 1) / (narrow bands - 1).
    """
    weight, bias = weights["decoder.widen.weight"].clone(), weights["decoder.widen.bias"]
    stretch = (wide.bands - 1) / (narrow.bands - 1)
    of_height = weight[:, -1, 0, 0].clone()
    weight[:, -1] *= stretch
    return {
        "decoder.widen.weight": weight,
        "decoder.widen.bias": bias + of_height * (stretch - 1),
    }


def _widened(value: Tensor, layout: AxisLayout, narrow: ModelConfig, wide: ModelConfig) -> Tensor:
    fixed = _size(narrow, layout.fixed) if layout.fixed else 0
    old_size, new_size = _size(narrow, layout.rows), _size(wide, layout.rows)
    rows = value.movedim(layout.axis, 0)
    grouped = rows[fixed:].reshape(-1, old_size, *rows.shape[1:])
    above = grouped[:, -1:].expand(-1, new_size - old_size, *grouped.shape[2:])
    if layout.axis:
        above = torch.zeros_like(above)
    grown = torch.cat([grouped, above], dim=1).flatten(0, 1)
    return torch.cat([rows[:fixed], grown]).movedim(0, layout.axis).contiguous()


def _size(config: ModelConfig, name: str) -> int:
    sizes = {
        "bands": config.bands,
        "mel_bins": config.features.mel_bins,
        "spectrum_bins": config.spectrum_bins,
        "style_dims": config.encoder.style_dims,
    }
    return sizes[name]
