"""Helpers around the operating system, the event loop and files."""
