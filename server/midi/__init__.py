"""MIDI controllers: their ports, the messages they send, and the controls they move."""
