"""A live session: builds and connects playback, control inputs and features."""
