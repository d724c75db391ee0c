"""Which bundle plays: found, opened, tried out, changed while the music goes on."""
