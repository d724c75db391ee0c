"""What can be moved: the table of controls, the desk that holds the values, and what is timed."""
