"""Reports as pages to read and listen to."""
