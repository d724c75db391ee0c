"""What each training stage learns, and its losses."""
