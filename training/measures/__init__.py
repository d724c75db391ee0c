"""Measures of sound, and models as they are measured."""
