"""What the supervisor and the instrument agree on."""

from __future__ import annotations

NO_SUPERVISOR = "--no-supervisor"

CRASHED = 70
"""Exit code with which the instrument asks to be started again."""

STATE = "state"
"""File of the last state, in the supervisor's folder; there once the instrument has played."""
