"""How right the names of a labelled table are: verdicts, figures, changes since an earlier run, and the report of them.
Knows no command line. Begin with ``evaluation.py``.
"""
