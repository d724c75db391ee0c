"""All weights of a run in one file, in half precision: ``python -m training.fit.weights_file``.

A tenth of a run's size, for training that goes on elsewhere: ``training.fit --init-from FILE``
begins a new run with it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from export.bundle.atomic_write import atomic_write
from model.checkpoint import CheckpointError, load_instrument
from model.config import ConfigError, ModelConfig, preset
from model.tensor_file import read_tensors
from training.support.arguments import OneLineParser

SUFFIX = ".safetensors"


def write_weights(run: Path, path: Path) -> None:
    """Write the weights of ``run`` to ``path``.

    Raises:
        CheckpointError: the run cannot be read, or is not trained far enough to be played.
        OSError: the file cannot be written.
    """
    model, _ = load_instrument(run)
    halves = {
        name: value.half().contiguous() if value.is_floating_point() else value
        for name, value in model.state_dict().items()
    }
    content = safetensors.torch.save(halves, {"preset": model.config.preset})
    with atomic_write(path) as file:
        file.write(content)


def read_weights(path: Path) -> tuple[dict[str, Tensor], ModelConfig]:
    """Return the weights in ``path``, in single precision, and the preset they are of.

    Raises:
        CheckpointError: unreadable, not such a file, or of an unknown preset.
    """
    try:
        tensors, metadata = read_tensors(path)
        config = preset(metadata.get("preset", ""))
    except (OSError, SafetensorError, ConfigError, ValueError) as error:
        raise CheckpointError(f"{path} is not a file of weights: {error}") from error
    return {n: v.float() if v.is_floating_point() else v for n, v in tensors.items()}, config


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 on success, 2 on bad input."""
    parser = OneLineParser(
        prog="python -m training.fit.weights_file",
        description="Write the weights of a run to one file, in half precision.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("run", type=Path, help="run folder of python -m training.fit")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help=f"a {SUFFIX} file"
    )
    options = parser.parse_args(argv)
    if options.output.suffix != SUFFIX:
        parser.error(f"argument -o: {options.output} does not end in {SUFFIX}")
    try:
        write_weights(options.run, options.output)
    except (CheckpointError, OSError) as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
