"""The rows of the table of controls, by what they move."""
