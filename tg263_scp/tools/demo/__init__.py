"""The verb ``demo``: a sender, the node and an archive on this computer, and the proof of what arrived. Begin with
``demonstration.py``.
"""
