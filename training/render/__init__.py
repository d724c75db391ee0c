"""``python -m training.render``: MIDI files to recordings, with several instruments."""
