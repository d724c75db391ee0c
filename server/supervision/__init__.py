"""The parent that starts the instrument again with its last state where it dies."""
