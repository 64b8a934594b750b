"""Associations in both directions (PS3.7, PS3.8): the listener, the sender, their statuses and presentation contexts.
It stores nothing and decides nothing. Begin with ``listener.py``; a connection goes from ``waiting_room.py`` through
``pynetdicom_internals.py`` to ``messages.py``.
"""
