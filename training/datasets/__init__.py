"""Data sets that ``training.prepare`` reads, a loader each."""
