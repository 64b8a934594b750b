"""The gates of the configuration: what becomes of structure sets that a person may want to see first."""

from __future__ import annotations

from typing import Literal

from tg263_scp.configfields import Section

Action = Literal["pass", "hold", "relabel"]
PassOrHold = Literal["pass", "hold"]


class Gates(Section):
    """What becomes of a structure set about which something is found; see :mod:`tg263_scp.service.gates`.

    Where several decide alike, the first in this order is named.
    """

    sop_class_mismatch: PassOrHold
    uid_mismatch: PassOrHold
    encapsulated: Action
    unreadable: Action
    signed: Action
    approved: Action
    collision: Action
    unresolved: Action
