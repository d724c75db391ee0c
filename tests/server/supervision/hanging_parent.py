"""``python -m server`` with instruments that hang (``hanging_child``)."""

from __future__ import annotations

import sys

from server.supervision import supervisor

if __name__ == "__main__":
    supervisor.CHILD = "tests.server.supervision.hanging_child"
    sys.exit(supervisor.main(sys.argv[1:]))
