"""``review``: the names that are left for review, and what people decide about them, in the terminal."""
