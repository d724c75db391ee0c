"""Safetensors files that may be replaced at any moment."""

from __future__ import annotations

import json
from pathlib import Path

import safetensors.torch
from torch import Tensor


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a file and its metadata, opened once: both are of the same moment.

    Raises:
        OSError, SafetensorError: no file there, or a damaged one.
    """
    content = path.read_bytes()
    tensors = safetensors.torch.load(content)
    # The format begins with the header's length, 8 bytes, and the header, JSON.
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return tensors, header.get("__metadata__", {})
