"""How music comes onto a deck: from the library, a file or the live input, through the encoder."""
