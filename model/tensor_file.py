"""Reads safetensors files that may be replaced at any moment."""

from __future__ import annotations

import json
from pathlib import Path

import safetensors.torch
from torch import Tensor


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read tensors and metadata in one go, so that both are of the same moment.

    Raises:
        OSError, SafetensorError: no file there, or a damaged one.
    """
    content = path.read_bytes()
    tensors = safetensors.torch.load(content)
    # The format begins with the length of the header, 8 bytes, and the header, JSON.
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return tensors, header.get("__metadata__", {})
