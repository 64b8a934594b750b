"""A name read as an organ: side, margin and partial mark are taken out (``parts.py``), the rest is looked up, and all
is put back in the order of the standard (``reading.py``). It makes no proposal and knows no target. Begin with
``reading.py``.
"""
