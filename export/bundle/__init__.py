"""The bundle file. Light: numpy and the standard library."""
