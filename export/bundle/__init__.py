"""The bundle file, read and written. Imports numpy and the standard library only."""
