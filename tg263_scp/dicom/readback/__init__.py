"""Ask a destination what it has: an object read back and compared, or its commitment to keep it. It decides nothing and keeps
no account. Begin with ``retrieve.py``, then ``comparison.py``.
"""
