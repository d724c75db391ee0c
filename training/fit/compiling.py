"""torch.compile, where it pays and where it can be had."""

from __future__ import annotations

import logging

import torch
from torch import nn

from model.instrument import Instrument

logger = logging.getLogger(__name__)

COMPILE_CHOICES = ("auto", "on", "off")


def compile_networks(model: Instrument, choice: str, device: torch.device) -> None:
    """Compile the convolutional blocks, whose many small steps become few; "auto": on a GPU.

    LSTMs stay as they are, being one kernel already. Where there is no compiler, or a block that
    it cannot do, training goes on without.
    """
    if choice == "off" or (choice == "auto" and device.type != "cuda"):
        return
    try:
        try_compiler(device)
    except Exception as error:  # whatever a compiler may find missing
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        logger.warning("training uncompiled: %s", first)
        return
    torch._dynamo.config.suppress_errors = True
    for network in _networks(model):
        # In place: the names of the weights stay.
        network.compile()


def try_compiler(device: torch.device) -> None:
    """Compile something small for that device; raises what the compiler raises."""
    torch.compile(torch.sin)(torch.ones(2, device=device))


def _networks(model: Instrument) -> list[nn.Module]:
    return [model.encoder.trunk, *model.decoder.blocks, *model.vocoder.blocks]
