"""A name read as a target: every word and number gets the slot it belongs to, or the name is declined with its doubt.
It makes no proposal. Begin with ``reading.py``, then ``filling.py``; ``numbers.py`` tells doses from indices.
"""
