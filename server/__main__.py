"""``python -m server``."""

import sys

from server.program import main

if __name__ == "__main__":
    sys.exit(main())
