"""Open Sound Control: packets, connections, events from messages, time tags."""
