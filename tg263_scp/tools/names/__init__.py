"""Verbs about names alone: ``explain``, ``map``, ``evaluate``, ``nomenclature``. They open no DICOM object. Begin
with ``map.py``.
"""
