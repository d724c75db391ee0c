"""Play MIDI files with several instruments each: ``python -m training.render MIDI... -o FOLDER``.

fluidsynth and a SoundFont do the playing. The result is a folder of FLAC files with
``pairs.json``, from which ``training.prepare`` knows which files are the same piece::

    {"bach-invention_1__0.flac": {"score": "bach/invention_1", "instrument": "0", "heldout": false,
                                  "seed": 0, "seconds_max": 120.0}}

All renderings of a piece have the same length to the sample. An interrupted run that is started
again continues; the variation of a piece depends on the seed and the piece's name alone. More
instruments can be added to a folder later, but only with the same seed and length: others would
make false pairs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from training.datasets.listing import SourceError
from training.datasets.plain_folder import read_pairs
from training.render.fluidsynth import PlayError, require_player
from training.render.midi_pieces import InstrumentError
from training.render.pieces import choose, find_pieces
from training.render.plan import is_present, plan, require_same_variation
from training.render.render_files import render_all
from training.render.settings import RenderError, RenderSettings, parse_args, require_valid
from training.support.arguments import exit_code
from training.support.skipped import Skipped


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point: 0 if the folder holds renderings, 2 on bad input."""
    errors = (RenderError, PlayError, InstrumentError, SourceError, OSError)
    return exit_code(lambda: render(parse_args(argv)), errors)


def render(settings: RenderSettings) -> None:
    """Render what the folder lacks and print the summary.

    Raises:
        RenderError: bad options, nothing rendered, or a piece was rendered with other options.
        PlayError: fluidsynth or a SoundFont is missing.
        InstrumentError: ``--instruments`` names one that does not exist.
        SourceError: the output folder's ``pairs.json`` is damaged.
        OSError: a file cannot be written; those before it are kept.
    """
    require_valid(settings)
    require_player(settings.soundfonts)
    pieces = choose(find_pieces(settings.midi), settings.pieces_max, settings.seed)
    settings.output.mkdir(parents=True, exist_ok=True)
    pairs, skipped = read_pairs(settings.output), Skipped()
    require_same_variation(pieces, settings, pairs)
    planned = list(plan(pieces, settings, skipped))
    missing = [rendering for rendering in planned if not is_present(rendering, pairs)]
    rendered = render_all(missing, settings, pairs, skipped)
    print(
        f"rendered {rendered} files of {len(pieces)} pieces, "
        f"already there {len(planned) - len(missing)}, {skipped}"
    )
    if not pairs:
        raise RenderError("nothing was rendered; every MIDI file was skipped")


if __name__ == "__main__":
    sys.exit(main())
