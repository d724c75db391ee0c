"""Loading decks: from the library, a file or live input, through the encoder."""
