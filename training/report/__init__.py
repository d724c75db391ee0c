"""Pages to read and listen to."""
