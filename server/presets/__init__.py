"""Presets: what the hands set, kept in files, recalled at once, in seconds or by MIDI program."""
