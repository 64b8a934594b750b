"""What may be written: the TG-263 list, the grammar of its names, and how both are loaded and checked. It does not
know what clinics write. Begin with ``nomenclature.py``, then ``grammar.py``; ``loading.py`` reads the files.
"""
