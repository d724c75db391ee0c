"""Tempo and beat: the internal clock, tapped tempo, MIDI clock, Ableton Link."""
