"""Controls: the table of all controls, the desk that holds their values, and timed changes."""
