"""Modules that several training commands share."""
