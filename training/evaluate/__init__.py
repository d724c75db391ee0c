"""``python -m training.evaluate``: measure a run or a bundle, and write a report."""
