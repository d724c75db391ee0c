"""Renders files in parallel and lists each in ``pairs.json`` as soon as it is there."""

from __future__ import annotations

import json
from collections.abc import Sequence

from training.datasets.plain_folder import PAIRS_FILE
from training.render.fluidsynth import TAIL_S, PlayError, play
from training.render.midi_pieces import arrange
from training.render.plan import Rendering
from training.render.settings import RenderSettings
from training.support.skipped import Skipped
from training.support.whole_file import write_whole

Pairs = dict[str, dict[str, object]]
"""Contents of ``pairs.json``: an entry for each file name."""


def render_all(
    renderings: Sequence[Rendering], settings: RenderSettings, pairs: Pairs, skipped: Skipped
) -> int:
    """Render behind a progress bar, add to ``pairs``, and return the number of files made.

    Raises:
        OSError: a file cannot be written; it is named, and those before it are kept.
    """
    from joblib import Parallel, delayed
    from tqdm import tqdm

    def attempt(rendering: Rendering) -> PlayError | None:
        try:
            _render(rendering, settings.gain)
        except PlayError as error:
            return error
        return None

    rendered = 0
    parallel = Parallel(n_jobs=settings.jobs, prefer="threads", return_as="generator")
    outcomes = parallel(delayed(attempt)(rendering) for rendering in renderings)
    bar = tqdm(renderings, unit="file", disable=not renderings)
    for rendering, error in zip(bar, outcomes, strict=True):
        if error is not None:
            skipped.add("not rendered", f"skipped (not rendered): {error}")
            continue
        pairs[rendering.target.name] = rendering.entry
        text = json.dumps(pairs, indent=1, ensure_ascii=False) + "\n"
        write_whole(settings.output / PAIRS_FILE, text.encode())
        rendered += 1
    return rendered


def _render(rendering: Rendering, gain: float) -> None:
    piece = rendering.piece
    midi = arrange(piece, rendering.instrumentation)
    play(midi, rendering.target, rendering.soundfont, gain, piece.end_s + TAIL_S)
