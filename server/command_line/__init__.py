"""The command line of ``python -m server``: options, settings, and lists to print."""
