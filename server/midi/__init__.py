"""Controllers: ports, what they send, and which control it moves."""
