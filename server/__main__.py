"""``python -m server``: the instrument, under a supervisor where the system has process groups."""

import os
import sys

from server.supervision.protocol import NO_SUPERVISOR


def main() -> int:
    """Run the command line; return the exit code."""
    argv = sys.argv[1:]
    if NO_SUPERVISOR in argv or os.name != "posix":
        from server import program

        return program.main(argv)
    from server.supervision import supervisor  # small: it imports nothing of the instrument

    return supervisor.main(argv)


if __name__ == "__main__":
    sys.exit(main())
