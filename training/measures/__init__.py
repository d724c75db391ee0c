"""Measures of sound, and the interface through which models are measured."""
