"""tg263-scp: a DICOM node that gives every ROI its AAPM TG-263 name, forwards it and proves what it did."""

__version__ = "0.3.0"
