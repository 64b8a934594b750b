"""How an unexpected exception is told in the ordinary log: by type and place, never by its message.

A message may quote what it stumbled over, and that may be a name of a patient or a ROI.
"""

from __future__ import annotations

import traceback
from pathlib import Path


def fault_place(problem: BaseException) -> str:
    """Return the type of an exception and the last places of the call that raised it, innermost last."""
    frames = traceback.extract_tb(problem.__traceback__)[-4:]
    places = " > ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
    return f"{type(problem).__name__} at {places}"
