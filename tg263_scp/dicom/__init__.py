"""In and out of DICOM: the only ring that imports pydicom and pynetdicom. *encoding* knows bytes, *reading* what an
object says, *network* associations, *editing* what we write, *synthetic* the patients of the demonstration. It knows
no journal, no rule and no person. Begin with ``reading/structure_set.py``, then ``editing/relabel.py``.
"""
