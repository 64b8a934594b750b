"""What a configuration declares: its settings (``config.py``), and the DICOM conformance statement (PS3.2 Annex N), made from
the program and a configuration. Begin with ``conformance.py``.
"""
