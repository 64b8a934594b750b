"""What may be written: the TG-263 list, the anatomy of its structures, the grammar of its names, and how they are loaded
and checked. It does not know what clinics write. Begin with ``nomenclature.py``, then ``grammar.py``; ``loading.py`` reads
the files.
"""
