"""What an object says: who it is, its ROIs, its character set, its geometry, and to which objects it refers. It
writes nothing. Begin with ``structure_set.py``.
"""
