"""torch.compile, where it pays and is available."""

from __future__ import annotations

import logging

import torch
from torch import nn

from model.instrument import Instrument

logger = logging.getLogger(__name__)

COMPILE_CHOICES = ("auto", "on", "off")


def compile_networks(model: Instrument, choice: str, device: torch.device) -> None:
    """Compile the convolutional blocks, whose many small kernels become few; "auto": on a GPU.

    LSTMs are one kernel already and stay as they are. Without a compiler, or for a block that it
    cannot compile, training goes on uncompiled.
    """
    if choice == "off" or (choice == "auto" and device.type != "cuda"):
        return
    try:
        try_compiler(device)
    except Exception as error:  # anything may be missing for a compiler
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        logger.warning("training uncompiled: %s", first)
        return
    torch._dynamo.config.suppress_errors = True
    for network in _networks(model):
        # In place, so that the names of the weights stay.
        network.compile()


def try_compiler(device: torch.device) -> None:
    """Compile a trivial function for ``device``; raises the compiler's own errors."""
    torch.compile(torch.sin)(torch.ones(2, device=device))


def _networks(model: Instrument) -> list[nn.Module]:
    return [model.encoder.trunk, *model.decoder.blocks, *model.vocoder.blocks]
