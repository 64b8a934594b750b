"""Associations in both directions (PS3.7, PS3.8): the listener, the sender, their statuses and presentation contexts.
It stores nothing and decides nothing. Begin with ``listener.py``.
"""
