"""Programs that tests of the real parts need: skipped without them, unless they are required."""

from __future__ import annotations

import os
import shutil

import pytest

from server.midi.ports.rtmidi_backend import ALSA_SEQUENCER

REQUIRED = "LATENT_DECK_REQUIRE_REAL"
"""Set to 1 (as ``.ci/run`` does), a missing program is a failure instead of a skip."""


def needs(*programs: str) -> None:
    """Go on only where every one of ``programs`` can be started."""
    for program in programs:
        if shutil.which(program) is None:
            missing(f"the program {program} is not installed")


def needs_jack_midi() -> None:
    """Go on only where MIDI goes through JACK."""
    needs("jackd", "jack_lsp", "jack_connect")
    if ALSA_SEQUENCER.exists():
        missing("this machine has ALSA's sequencer, so MIDI does not go through JACK")


def missing(what: str) -> None:
    """Skip the test, or fail it where the real parts are required."""
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{what}, and {REQUIRED}=1 asks for it", pytrace=False)
    pytest.skip(what)
