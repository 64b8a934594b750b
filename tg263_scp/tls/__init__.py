"""TLS for whatever listens or calls: certificates read, contexts made, handshakes explained. The one place that makes an
``ssl.SSLContext``. It knows no DICOM and opens no connection. Begin with ``contexts.py``.
"""
