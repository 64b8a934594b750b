"""Under what an object is decided: mode, gates, overlay, decisions of people, nomenclature and program.

Where the same object comes again and one of them has changed, it is decided anew; a change of mode counts at once.
"""

from __future__ import annotations

import hashlib
import json
from typing import Protocol

from tg263_scp import __version__
from tg263_scp.config.reloading import Loaded
from tg263_scp.service.deciding.routing import Routes, Sender

PAUSED = "paused"


class Said(Protocol):
    """What people said about names, and about the whole node."""

    def take_up(self) -> None:
        """Take up what was said since, and enter it into the audit log."""

    @property
    def state(self) -> str: ...  # noqa: D102
    @property
    def paused(self) -> bool: ...  # noqa: D102


class MadeUnder:
    """Tells under what the objects of a sender are decided now; ``said`` is what people said."""

    def __init__(self, loaded: Loaded, routes: Routes, said: Said) -> None:
        self._routes = routes
        self.said = said
        """What people said about names, and about the whole node."""
        self._shared = ""
        self.use(loaded)

    def use(self, loaded: Loaded) -> None:
        """Take over a changed configuration."""
        config = loaded.config
        shared = {
            "naming": config.naming.model_dump(mode="json"),
            "write": config.write.model_dump(mode="json"),
            "nomenclature": loaded.nomenclature.digest,
            "program": __version__,
        }
        self._shared = json.dumps(shared, sort_keys=True)

    def of(self, sender: Sender) -> str:
        """Return the mode and, behind a colon, a digest of everything else."""
        route = self._routes.of(sender)
        mode = PAUSED if self.said.paused else route.mode
        rest = json.dumps([self._shared, route.model_dump(mode="json"), self.said.state])
        return f"{mode}:{hashlib.sha256(rest.encode()).hexdigest()}"
