"""The bundle that plays: found, loaded, tried out, and replaced while the music goes on."""
