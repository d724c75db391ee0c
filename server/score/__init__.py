"""A performance as lines in a file: read, played, rendered, recorded."""
