"""``python -m training.render``: MIDI files played with several instruments each."""
