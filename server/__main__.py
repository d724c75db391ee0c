"""``python -m server`` and ``latent-deck``: the instrument, under a supervisor on POSIX systems."""

import os
import sys

from server.supervision.protocol import NO_SUPERVISOR


def main() -> int:
    """Run the command line and return the exit code."""
    _let_children_find_this_package()
    argv = sys.argv[1:]
    if NO_SUPERVISOR in argv or os.name != "posix":
        from server import program

        return program.main(argv)
    from server.supervision import supervisor  # small: it imports nothing of the instrument

    return supervisor.main(argv)


def _let_children_find_this_package() -> None:
    """Keep ``python -m`` in child processes from importing a ``server`` of the current folder."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if not os.path.samefile(root, os.curdir):
        os.environ["PYTHONSAFEPATH"] = "1"


if __name__ == "__main__":
    sys.exit(main())
