"""MIDI messages to controller moves. Pure."""
