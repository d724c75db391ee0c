"""Scores: a performance as lines in a file, read, played, rendered and recorded."""
