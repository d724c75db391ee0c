"""Where the tempo comes from: our own, taps, MIDI clock, Ableton Link."""
