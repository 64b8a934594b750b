"""Verbs for historical archives: ``census``, ``relabel`` and ``revert``, file by file, never overwriting, resuming. Begin with
``relabel.py``.
"""
