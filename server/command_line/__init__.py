"""The command line of ``python -m server``: options, settings, and answers without playing."""
