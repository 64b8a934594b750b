"""What was written: letters and their foldings, tokens, the language packs, and how each language writes. It knows no name
of the standard. Begin with ``letters.py``, then ``lexicon.py``.
"""
