"""Whose fault an error of the disk is: the disk's, or that of the one file at hand."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

_PROBE_BYTES = 1 << 16


def disk_refuses(folder: Path, wanted_bytes: int) -> bool:
    """Tell whether a folder takes nothing at present, or has no room for ``wanted_bytes``: then no object is to blame."""
    probe = os.urandom(_PROBE_BYTES)
    try:
        if shutil.disk_usage(folder).free < wanted_bytes + _PROBE_BYTES:
            return True
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(probe)
            file.flush()
            os.fsync(file.fileno())
            file.seek(0)
            return file.read() != probe
    except OSError:
        return True
