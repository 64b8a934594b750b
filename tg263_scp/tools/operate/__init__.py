"""Verbs for the person who runs a node: ``serve``, ``queue``, ``audit``, ``doctor``, ``echo``. Begin with
``serve.py``.
"""
