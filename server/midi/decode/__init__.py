"""MIDI messages to moves of knobs. Pure."""
