"""In and out of DICOM; the only ring that imports pydicom or pynetdicom."""
