"""``review``: names that were left for review, decided in the terminal. It must not know how names are decided or objects sent.
Begin with ``review.py``."""
