"""Keeping the instrument alive: a parent process, the last state, and a hot standby."""
