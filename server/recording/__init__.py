"""Recordings of the sound as WAV or FLAC files."""
