"""What was written: letters and their foldings, tokens, the language packs, and which words belong to which treatment
site. It knows no name of the standard. Begin with ``letters.py``, then ``lexicon.py``.
"""
