"""Names and codes that the supervisor and the instrument share; standard library only."""

from __future__ import annotations

NO_SUPERVISOR = "--no-supervisor"

CRASHED = 70
"""Exit code with which the instrument asks to be restarted."""

ARRAYS = "arrays"
"""A link in the supervisor's folder, to the session's folder for large arrays."""

STATE = "state"
"""File of the last state, in the supervisor's folder; it exists once the instrument has played."""
