"""Which controller moves which control, and how."""
