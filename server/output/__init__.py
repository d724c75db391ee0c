"""Output: the engine's thread, rings, resampler, sound card and files."""
