"""Where bfloat16 pays, and where it must not be used."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from model.features import LogMelImage

PRECISIONS = ("auto", "bf16", "32")

FabricPrecision = Literal["bf16-mixed", "32-true"]


def precision_for(choice: str) -> FabricPrecision:
    """Fabric's name for "auto", "bf16" or "32".

    "auto" is bfloat16 on a GPU and on processors with instructions for it (AVX512-BF16, AMX):
    there a step of stage 1 with the preset "small" takes half the time on one core.
    """
    if choice == "auto":
        fast = torch.cuda.is_available() or torch.cpu._is_avx512_bf16_supported()
        choice = "bf16" if fast else "32"
    return "bf16-mixed" if choice == "bf16" else "32-true"


@torch.no_grad()
def exact_features(features: LogMelImage, audio: Tensor) -> Tensor:
    """Log-mel images in single precision: bfloat16 would lose quiet partials beside loud ones."""
    with torch.autocast(audio.device.type, enabled=False):
        image: Tensor = features(audio.float())
    return image
