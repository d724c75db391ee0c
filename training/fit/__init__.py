"""``python -m training.fit``: trains the instrument."""
