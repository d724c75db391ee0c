"""A live session: what it is made of, and how it is wired."""
