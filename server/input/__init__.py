"""Live input, and a ring of its last minute."""
