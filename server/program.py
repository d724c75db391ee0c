"""``python -m server``: print a list, render a file, or play; errors in one line."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from export.audio.errors import AudioError
from export.bundle.format import Bundle, BundleError
from server.clock.link import LinkUnavailable
from server.command_line import questions
from server.command_line.initial_values import setting
from server.command_line.kept_options import keep
from server.command_line.settings import Settings, kept_suffix, parse_args
from server.controls.addresses import GENERATE
from server.controls.desk import Desk
from server.controls.events import SetControl
from server.controls.table import controls_of
from server.decks.media import MediaError
from server.engine.cue import CUE, NO_CUE
from server.engine.runtime import RuntimeOptions, RuntimeUnavailable
from server.engine.structure_prior import NoPriorError
from server.input.live_input import InputError
from server.live.app import App
from server.midi.ports.backend import MidiPortError
from server.midi.ports.open_ports import midi_port_names
from server.models.default import open_bundle
from server.models.model_controls import missing_in
from server.models.preparing import bundle_below, require_same_clock
from server.offline import render
from server.osc.mapping import MappingError
from server.osc.sockets import OscAddressError
from server.output.kinds import is_file
from server.output.protocol import OutputError
from server.recording.recorder import RecordingError
from server.score.lines import digest_of
from server.score.prepared_decks import PreparedDecks, prepare_decks
from server.score.score import Score, open_score
from server.score.score_file import ScoreError
from server.supervision.state_folder import StateFolder
from server.system import library_output as native_noise
from server.system.json_document import DocumentError
from server.system.printable import shown
from server.system.session_folder import session_folder

logger = logging.getLogger(__name__)

USER_ERRORS = (
    AudioError,
    BundleError,
    InputError,
    LinkUnavailable,
    MappingError,
    MediaError,
    MidiPortError,
    NoPriorError,
    OscAddressError,
    OutputError,
    RuntimeUnavailable,
    RecordingError,
    DocumentError,
    ScoreError,
)
"""Errors that the user can fix: reported in one line, exit code 2."""

INTERRUPTED = 130
"""Exit code of a rendering or a list that Ctrl-C interrupted; playing ends with 0."""


def main(argv: Sequence[str] | None = None, folder: StateFolder | None = None) -> int:
    """Run one command line and return the exit code; when live, keep the state in ``folder``."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    settings = parse_args(argv)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _run(settings, folder)
    except USER_ERRORS as error:
        line = " ".join(str(error).split()) + kept_suffix(settings.kept)
        print(f"python -m server: {line}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("python -m server: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # as with ``| head``
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def desk_of(settings: Settings, bundle: Bundle) -> Desk:
    """Return a desk that plays, with the initial values of the command line.

    Raises:
        MappingError: a ``--set`` that no control accepts, or a cue without a pair of channels.
        NoPriorError: ``/generate`` is on, and the bundle has no prior.
    """
    table = controls_of(bundle)
    desk = Desk(table, playing=True)
    if settings.generate:
        desk.apply([SetControl(GENERATE, (1.0,))])
    desk.apply(setting(desk.table, text) for text in settings.sets)
    if desk.snapshot().value(GENERATE) and bundle.prior_onnx is None:
        raise NoPriorError
    if desk.snapshot().value(CUE) and settings.card.cue is None:
        raise MappingError(CUE, NO_CUE)
    return desk


def _run(settings: Settings, folder: StateFolder | None) -> int:
    if settings.config and settings.keep is not None:
        return _print([f"saved in {keep(settings.config, settings.keep)}"])
    if settings.listing == "devices":
        return _print(_device_lines())
    bundle = open_bundle(settings.bundle)
    if settings.listing == "decks":
        return _print(questions.deck_lines(bundle))
    if settings.listing == "controls":
        return _print(questions.control_lines(bundle))
    options = RuntimeOptions(settings.device)
    if settings.bench:
        return _print(questions.bench_lines(bundle, options, settings.as_json))
    desk = desk_of(settings, bundle)
    if is_file(settings.output):
        return _render(settings, bundle, desk, options, prepare_session(settings, bundle, desk))
    with contextlib.ExitStack() as stack:
        # Under a supervisor the arrays outlive the instrument.
        arrays = folder.arrays if folder else stack.enter_context(session_folder())
        prepared = prepare_session(settings, bundle, desk, arrays)
        return App(settings, bundle, desk, prepared, folder=folder, arrays=arrays).run()


def prepare_session(
    settings: Settings, bundle: Bundle, desk: Desk, arrays: Path | None = None
) -> PreparedDecks | None:
    """Prepare decks and score before the first sound; None if decks can be loaded while playing.

    Large arrays are files in the folder ``arrays``, if there is one.

    Raises:
        MediaError, AudioError: a deck is missing or cannot be used.
        ScoreError: the score cannot be played.
    """
    score = None
    if settings.score is not None:

        def open_other(name: str) -> Bundle:
            other = bundle_below(name, settings.media)
            require_same_clock(other, bundle.manifest)
            return other

        score = open_score(settings.score, desk.table, missing_in(bundle), open_other)
        _warn_of_other_bundle(score, bundle)
    elif not is_file(settings.output):
        return None
    options = RuntimeOptions(settings.device)
    return prepare_decks(bundle, settings.decks, options, score, settings.media, arrays)


def _warn_of_other_bundle(score: Score, bundle: Bundle) -> None:
    if score.header is not None and score.header.digest != digest_of(bundle):
        logger.warning(
            "the score was recorded with another bundle, %s; it will not sound the same",
            shown(score.header.bundle),
        )


def _render(
    settings: Settings,
    bundle: Bundle,
    desk: Desk,
    options: RuntimeOptions,
    prepared: PreparedDecks | None,
) -> int:
    assert settings.output.target is not None and prepared is not None
    render(
        bundle,
        desk,
        options,
        Path(settings.output.target),
        settings.output.kind,
        prepared=prepared,
        wekinator=settings.wekinator,
        frames=settings.block_frames,
        seconds=settings.seconds,
    )
    return 0


def _device_lines() -> Iterator[str]:
    with native_noise.hidden():
        cards, ports = list(questions.sound_card_lines()), midi_port_names()
        inputs = list(questions.input_lines())
    yield from cards
    yield from inputs
    yield from (f"MIDI input {name}" for name in ports or ["none"])


def _print(lines: Iterable[str]) -> int:
    for line in lines:
        print(line, flush=True)
    return 0


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
