"""From decks and values to sound, a block at a time: playheads, mixer, decoder, output stage."""
