"""PURE: what should this ROI be called, and why? No DICOM, no network, no clock, no logger."""
