"""The training stages: what each one learns, and its loss."""
