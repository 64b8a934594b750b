"""What was received, what became of it, and what each destination has: one SQLite file, one table of allowed state
changes. It opens no object. Begin with ``states.py``.
"""
