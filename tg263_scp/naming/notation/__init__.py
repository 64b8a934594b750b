"""The structure set read as a whole: what its names share, which names mirror each other, what its numbers mean.
It proposes another way to read a name that alone is left for review; the rules read it, and the vetoes look at the whole
written name. Nothing here knows an organ. Begin with ``second_look.py``.
"""
