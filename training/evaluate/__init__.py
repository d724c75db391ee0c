"""``python -m training.evaluate``: measures a run or a bundle."""
