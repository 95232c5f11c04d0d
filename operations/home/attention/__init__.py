"""What needs a person's attention now: each item with how many, since when, where to look, and what fixes it."""
