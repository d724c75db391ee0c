"""Play scores with several instruments each: ``python -m training.render MIDI... -o FOLDER``.

fluidsynth and a SoundFont do the playing. What comes out is a folder of FLAC files with
``pairs.json``, which tells ``training.prepare`` which files are the same score::

    {"bach-invention_1__0.flac": {"score": "bach/invention_1", "instrument": "0", "heldout": false,
                                  "seed": 0, "seconds_max": 120.0}}

All renderings of a score have the same length to the sample. Interrupted and run again, it goes
on; what is drawn for a score depends on the seed and the score's name alone. More instruments can
be added to a folder later, but with the seed and length of before: others would make false pairs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from training.datasets.listing import SourceError
from training.datasets.plain_folder import PAIRS_FILE, read_pairs
from training.render.fluidsynth import TAIL_S, PlayError, play, require_player
from training.render.midi_pieces import InstrumentError, MidiPieceError, arrange
from training.render.plan import (
    Part,
    RenderError,
    Source,
    choose,
    find_scores,
    parts_of,
    require_same_variation,
)
from training.support.arguments import OneLineParser, exit_code
from training.support.whole_file import write_whole


def render(part: Part, gain: float) -> None:
    """Play one part into its FLAC file, which appears whole or not at all.

    Raises:
        PlayError: fluidsynth fails, plays nothing, or breaks off.
        OSError: the file cannot be written; it is named.
    """
    midi = arrange(part.score, part.instrumentation)
    play(midi, part.target, part.soundfont, gain, part.score.end_s + TAIL_S)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line of ``python -m training.render``."""
    parser = OneLineParser(
        prog="python -m training.render",
        description="Play MIDI scores with several instruments each, for training.prepare. "
        "Tempo, key and dynamics are varied, the same for all instruments of one score.",
    )
    parser.add_argument("midi", metavar="MIDI", type=Path, nargs="+", help="MIDI file or folder")
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", type=Path, required=True, help="folder for the audio"
    )
    players = parser.add_mutually_exclusive_group()
    players.add_argument(
        "--instruments",
        metavar="0,24,40+42",
        help="General MIDI programs 0-127, one rendering for each comma; + gives a score's "
        "channels different ones in turn; for drums alone it is the kit",
    )
    players.add_argument(
        "--instruments-random",
        metavar="N",
        type=int,
        default=3,
        help="or N instrumentations drawn for every score (default 3)",
    )
    parser.add_argument(
        "--soundfont",
        metavar="FILE",
        type=Path,
        nargs="+",
        required=True,
        help="SoundFont (.sf2, .sf3) to play with; of several one is drawn for every score",
    )
    _add_numbers(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point: 0 when there are renderings in the folder, 2 on bad input."""
    errors = (RenderError, PlayError, InstrumentError, SourceError, OSError)
    return exit_code(lambda: run(parse_args(argv)), errors)


def run(options: argparse.Namespace) -> None:
    """Do what the command line says and print the summary.

    Raises:
        RenderError: bad options, nothing rendered, or a score was rendered with other ones.
        PlayError: fluidsynth or a SoundFont is missing.
        InstrumentError: ``--instruments`` names one that does not exist.
        SourceError: the output folder's ``pairs.json`` is damaged.
        OSError: a file cannot be written; those before it are kept.
    """
    _require_options(options)
    require_player(options.soundfont)
    sources = choose(find_scores(options.midi), options.scores_max, options.seed)
    options.output.mkdir(parents=True, exist_ok=True)
    pairs = read_pairs(options.output)
    require_same_variation(sources, options, pairs)
    skipped: Counter[str] = Counter()
    planned = list(_plan(sources, options, skipped))
    missing = [part for part in planned if not _is_there(part, pairs)]
    made = _render_all(missing, options, pairs, skipped)
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(skipped.items()))
    print(
        f"rendered {made} files of {len(sources)} scores, "
        f"already there {len(planned) - len(missing)}, "
        f"skipped {skipped.total()}" + (f" ({reasons})" if reasons else "")
    )
    if not pairs:
        raise RenderError("nothing was rendered; every score was skipped")


def _add_numbers(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--seconds-max",
        metavar="S",
        type=float,
        default=120.0,
        help="cut scores after so many seconds (default 120)",
    )
    add("--scores-max", metavar="N", type=int, help="draw N of the scores (default all)")
    add(
        "--heldout-every",
        metavar="K",
        type=int,
        default=0,
        help="hold every K-th score out of training, with all its renderings (default 0: none)",
    )
    add("--gain", type=float, default=0.2, help="fluidsynth's gain, 0 to 1 (default 0.2)")
    add("--seed", type=int, default=0, help="of everything that is drawn (default 0)")
    add("--jobs", metavar="N", type=int, default=os.cpu_count() or 1, help="at a time (cores)")


def _plan(
    sources: Sequence[Source], options: argparse.Namespace, skipped: Counter[str]
) -> Iterator[Part]:
    """Every rendering to make; a broken score is named and counted."""
    for number, source in enumerate(sources, start=1):
        heldout = bool(options.heldout_every) and number % options.heldout_every == 0
        try:
            yield from parts_of(source, options, heldout)
        except MidiPieceError as error:
            _skip(skipped, "broken", error)


def _render_all(
    parts: Sequence[Part],
    options: argparse.Namespace,
    pairs: dict[str, dict[str, object]],
    skipped: Counter[str],
) -> int:
    """Render in parallel and note each in ``pairs.json``; how many were made."""
    from joblib import Parallel, delayed
    from tqdm import tqdm

    def attempt(part: Part) -> PlayError | None:
        try:
            render(part, options.gain)
        except PlayError as error:
            return error
        return None

    made = 0
    parallel = Parallel(n_jobs=options.jobs, prefer="threads", return_as="generator")
    outcomes = parallel(delayed(attempt)(part) for part in parts)
    for part, error in zip(tqdm(parts, unit="file", disable=not parts), outcomes, strict=True):
        if error is not None:
            _skip(skipped, "not rendered", error)
            continue
        pairs[part.target.name] = part.entry
        _write_pairs(options.output, pairs)
        made += 1
    return made


def _skip(skipped: Counter[str], reason: str, error: Exception) -> None:
    from tqdm import tqdm

    skipped[reason] += 1
    tqdm.write(f"skipped ({reason}): {error}", file=sys.stderr)


def _is_there(part: Part, pairs: dict[str, dict[str, object]]) -> bool:
    return part.target.name in pairs and part.target.is_file()


def _write_pairs(folder: Path, pairs: dict[str, dict[str, object]]) -> None:
    text = json.dumps(pairs, indent=1, ensure_ascii=False) + "\n"
    write_whole(folder / PAIRS_FILE, text.encode())


def _require_options(options: argparse.Namespace) -> None:
    for name, lowest in (("jobs", 1), ("instruments_random", 1), ("seed", 0), ("heldout_every", 0)):
        value = getattr(options, name)
        if value < lowest:
            raise RenderError(f"--{name.replace('_', '-')} {value}: at least {lowest}")
    if options.scores_max is not None and options.scores_max < 1:
        raise RenderError(f"--scores-max {options.scores_max}: at least 1")
    if not options.seconds_max >= 1.0:
        raise RenderError(f"--seconds-max {options.seconds_max}: at least 1 s")
    if not 0.0 < options.gain <= 1.0:
        raise RenderError(f"--gain {options.gain}: above 0, at most 1")


if __name__ == "__main__":
    sys.exit(main())
