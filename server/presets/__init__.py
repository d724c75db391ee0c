"""Presets: control values in files, recalled at once, by a morph, or by a MIDI program change."""
