"""From the engine to the ear: the thread that renders, rings, resampler, sound card, files."""
