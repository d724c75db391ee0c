"""The MIDI ports of the platform: found, opened, watched."""
