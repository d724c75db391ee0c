"""Open Sound Control: packets, connections, messages as events, time tags."""
