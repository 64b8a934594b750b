"""The DICOM conformance statement: a template, facts of the running program and of a configuration, and the evidence."""
