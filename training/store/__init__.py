"""The training store and the batches drawn from it."""
