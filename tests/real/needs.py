"""Programs that the tests with real programs need; without them a test is skipped or fails."""

from __future__ import annotations

import os
import shutil

import pytest

from server.midi.ports.rtmidi_backend import ALSA_SEQUENCER

REQUIRED = "LATENT_DECK_REQUIRE_REAL"
"""If this is set to 1, as in ``.ci/run``, a missing program is a failure instead of a skip."""


def needs(*programs: str) -> None:
    """Skip or fail the test unless all ``programs`` are installed."""
    for program in programs:
        if shutil.which(program) is None:
            missing(f"the program {program} is not installed")


def needs_jack_midi() -> None:
    """Skip or fail the test unless MIDI goes through JACK."""
    needs("jackd", "jack_lsp", "jack_connect")
    if ALSA_SEQUENCER.exists():
        missing("this machine has ALSA's sequencer, so MIDI does not go through JACK")


def missing(what: str) -> None:
    """Skip the test, or fail it if the real programs are required."""
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{what}, and {REQUIRED}=1 asks for it", pytrace=False)
    pytest.skip(what)
