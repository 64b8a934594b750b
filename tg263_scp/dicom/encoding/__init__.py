"""Bytes of a DICOM object (PS3.5, PS3.10): elements, lengths, where what stands, splices and digests; never a
meaning. Begin with ``elements.py``, then ``splice.py``.
"""
