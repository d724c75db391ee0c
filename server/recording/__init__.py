"""What is heard, recorded to a file."""
