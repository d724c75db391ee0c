"""The live input, and its last seconds."""
