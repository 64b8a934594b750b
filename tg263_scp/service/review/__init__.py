"""What people decided about names, kept, checked and used: an append-only store, and the names that still wait for somebody.

It answers which ruling holds for which name of which object, and what a ruling would change. It must not know how an object
is received or sent, nor what a page or a terminal looks like. Begin with ``decisions.py``, then ``store.py``.
"""
