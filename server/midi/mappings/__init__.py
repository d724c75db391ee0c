"""Mappings: which knob moves which control, and how."""
