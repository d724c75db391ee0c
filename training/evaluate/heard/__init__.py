"""A bundle as a listener hears it: recordings on decks, through the server's engine, in stereo."""
