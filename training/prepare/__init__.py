"""``python -m training.prepare``: folders of music to a training store."""
