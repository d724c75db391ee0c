"""The rows of the table of controls, grouped by subject."""
