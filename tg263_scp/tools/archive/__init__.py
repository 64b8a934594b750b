"""Verbs for historical archives: ``relabel`` and ``revert``, file by file, never overwriting, resuming. Begin with
``relabel.py``.
"""
